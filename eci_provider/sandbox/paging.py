"""Pages of a list, and the reduction of an answer to some fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eci_provider.sandbox.errors import ApiError

DEFAULT_PAGE_SIZE = 250
LARGEST_PAGE_SIZE = 1000
HUGE = 999_999_999


def page(
    records: list[dict[str, Any]],
    query: Mapping[str, str],
    *,
    largest: int = LARGEST_PAGE_SIZE,
    total_pages: str = "right",
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """
    Return one page of the records.

    Assumption: a page after the last one is an empty array, and an empty list has 0 pages.

    :param query: ``pageNumber`` (from 1) and ``pageSize`` (at most 1000; a larger one counts as 1000).
    :param largest: another most of a page's records, as of a gateway that makes pages smaller.
    :param total_pages: what ``TotalPages`` says: ``right``, ``one``, ``huge``, or ``missing`` for no such header.
    :return: the page, and the four paging headers.
    :raises ApiError: 400 for a value that is not a number of at least 1.
    """
    number = _positive(query, "pageNumber", 1)
    size = min(_positive(query, "pageSize", DEFAULT_PAGE_SIZE), LARGEST_PAGE_SIZE, largest)
    headers = {
        "PageNumber": str(number),
        "PageSize": str(size),
        "TotalNumberOfRecords": str(len(records)),
    }
    if total_pages != "missing":
        pages = {"one": 1, "huge": HUGE}.get(total_pages, -(-len(records) // size))
        headers["TotalPages"] = str(pages)
    return records[(number - 1) * size : number * size], headers


def _positive(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise ApiError(400, f"{name} must be an integer of at least 1, not {text!r}.")
    return int(text)


def reduced(content: Any, query: Mapping[str, str]) -> Any:
    """
    Return content with only the top-level properties that ``field=a,b,c`` names.

    Assumption: names ignore case, and unknown ones are ignored. A syntax for exclusion is not documented, so
    ``-output`` is an unknown name.
    """
    wanted = {name.strip().lower() for name in query.get("field", "").split(",")} - {""}
    if not wanted:
        return content
    if isinstance(content, list):
        return [_kept(item, wanted) for item in content]
    return _kept(content, wanted)


def _kept(item: dict[str, Any], wanted: set[str]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name.lower() in wanted}
