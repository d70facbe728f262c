"""
The templates of URLs in a connection: their placeholders, their check, and how they are filled.

A template is one URL, or several with spaces between them: the first is taken whose placeholders are known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Formatter

#: The placeholders of ``ui_url_template``, the URL of a batch or an import in EnergyCAP.
PLACEHOLDERS = ("host", "batch_id", "batch_code", "task_guid", "task_id")
#: The placeholders of ``report_url_template``, the URL of a kickout report.
REPORT_PLACEHOLDERS = ("url", "bucket", "path", "name")


def template_problems(template: object, known: Sequence[str]) -> list[str]:
    """
    Return what is wrong with a template, such as "must begin with https:// or http://".

    :param template: the value of an extra field; plain placeholders only, without formats.
    :param known: the placeholders that it may contain.
    :return: an empty list if the template is valid.
    """
    starts = ("https://", "http://", *(("{host}",) if "host" in known else ()))
    urls = template.split() if isinstance(template, str) else []
    problems = []
    if not urls or not all(url.startswith(starts) for url in urls):
        problems.append(f"must begin with {', '.join(starts[:-1])} or {starts[-1]}")
    if unknown := unknown_placeholders(str(template), known):
        problems.append(f"{', '.join(unknown)} is none of {', '.join(f'{{{name}}}' for name in known)}")
    return problems


def unknown_placeholders(template: str, known: Sequence[str]) -> list[str]:
    """
    Return the parts of a template that cannot be filled: unknown placeholders, or a syntax error.

    :param template: one or several URLs.
    :param known: the placeholders that it may contain.
    """
    try:
        fields = [field for field in Formatter().parse(template) if field[1] is not None]
    except ValueError as error:
        return [str(error)]
    return [
        f"{{{name}{'!' + conversion if conversion else ''}{':' + spec if spec else ''}}}"
        for _, name, spec, conversion in fields
        if name not in known or spec or conversion
    ]


def first_filled(template: str | None, values: Mapping[str, str], known: Sequence[str]) -> str | None:
    """
    Return the first URL of a template whose placeholders are known, with them filled.

    :param template: one or several URLs, or None.
    :param values: what is known, quoted for a URL.
    :param known: the placeholders that the template may contain.
    :return: None if there is no such URL, or if the template has a placeholder that does not exist.
    """
    if not template or unknown_placeholders(template, known):
        return None
    for url in template.split():
        if {name for _, name, _, _ in Formatter().parse(url) if name is not None} <= values.keys():
            return url.format(**values)
    return None
