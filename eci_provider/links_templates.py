"""The template of the link's URL, checked when the connection is read."""

from __future__ import annotations

from string import Formatter

#: What a template may name.
PLACEHOLDERS = ("host", "batch_id", "batch_code", "task_guid", "task_id")


def unknown_placeholders(template: str) -> list[str]:
    """
    Return what a template names beside the placeholders, or why it cannot be read.

    :param template: the connection's ``ui_url_template``; plain placeholders only, without formats.
    """
    try:
        fields = [field for field in Formatter().parse(template) if field[1] is not None]
    except ValueError as error:
        return [str(error)]
    return [
        f"{{{name}{'!' + conversion if conversion else ''}{':' + spec if spec else ''}}}"
        for _, name, spec, conversion in fields
        if name not in PLACEHOLDERS or spec or conversion
    ]
