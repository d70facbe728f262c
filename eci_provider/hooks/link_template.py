"""The placeholders of a connection's ``ui_url_template``, and the check of such a template."""

from __future__ import annotations

from string import Formatter

#: The placeholders that a template may contain.
PLACEHOLDERS = ("host", "batch_id", "batch_code", "task_guid", "task_id")


def unknown_placeholders(template: str) -> list[str]:
    """
    Return the parts of a template that cannot be filled: unknown placeholders, or a syntax error.

    :param template: the connection's ``ui_url_template``; plain placeholders only, without formats.
    :return: an empty list where the template is valid.
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
