"""Paged lists as iterators that fetch one page after the other, and always end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from eci_provider.api.errors import EciUnreadableResponseError, EciValidationError
from eci_provider.api.filters import Filter
from eci_provider.api.models import ResponseModel
from eci_provider.api.transport.responses import PageReading, read_list
from eci_provider.core import clock

if TYPE_CHECKING:
    from eci_provider.api.transport.session import EciSession

_Response = TypeVar("_Response", bound=ResponseModel)
_Item = TypeVar("_Item")

#: The largest page the server gives (Paging page); it silently lowers larger values.
LARGEST_PAGE = 1000
#: How many pages of a list are read at most, and for how many seconds, its own pauses included.
MOST_PAGES = 1000
LONGEST_WALK = 600.0
#: After how many pages there is a pause before each further one, and of how many seconds.
UNPACED_PAGES = 20
_PAUSE = 0.1


def field_list(fields: Sequence[str] | None) -> str | None:
    """
    Return the `field` query, an include list of documented names (Field reduction page).

    :param fields: the names; None for all fields.
    :raises EciValidationError: for a text, which would be read as a list of letters.
    """
    if isinstance(fields, str) or not all(isinstance(name, str) for name in fields or ()):
        raise EciValidationError([f"fields is {fields!r}: must be a list of names"], source="field reduction")
    return ",".join(fields) if fields else None


def pages(
    session: EciSession,
    operation: str,
    path: str,
    model: type[_Response],
    *,
    filter: Filter | str | None = None,
    fields: Sequence[str] | None = None,
    page_size: int = LARGEST_PAGE,
    deadline: datetime | None = None,
    max_pages: int | None = None,
    **params: Any,
) -> Iterator[_Response]:
    """
    Iterate over the items of a paged list, fetching each page when its items are needed.

    :param session: the session.
    :param operation: the operation id, for messages.
    :param path: the path.
    :param model: what each item is.
    :param filter: which items; see :class:`Filter`.
    :param fields: which fields of each item, in the documented spelling.
    :param page_size: items a page, 1 to 1000.
    :param deadline: when to stop reading, whether or not the list has ended; None for no deadline.
    :param max_pages: after how many pages to stop, whether or not the list has ended; None for all.
    :param params: further query parameters.
    :return: the items.
    :raises EciValidationError: at once, if the page size is out of its bounds.
    :raises EciUnreadableResponseError: later, if the list does not end within the bounds of :func:`walk_pages`.
    """
    whole = isinstance(page_size, int) and not isinstance(page_size, bool)
    if not whole or not 1 <= page_size <= LARGEST_PAGE:
        problem = f"page_size is {page_size!r}: must be a whole number from 1 to {LARGEST_PAGE}"
        raise EciValidationError([problem], source=operation)
    query = {**params, "filter": str(filter) if filter is not None else None, "field": field_list(fields)}
    walk = walk_pages(
        session, operation, path, model, query, model.model_validate, page_size=page_size, deadline=deadline
    )
    return (item for page in islice(walk, max_pages) for item in page.items)


def walk_pages(
    session: EciSession,
    operation: str,
    path: str,
    model: type[ResponseModel],
    query: Mapping[str, Any],
    read_item: Callable[[Any], _Item | None],
    *,
    page_size: int = LARGEST_PAGE,
    repeat: bool = True,
    deadline: datetime | None = None,
) -> Iterator[PageReading[_Item]]:
    """
    Iterate over the pages of a list.

    It ends whatever the server says: after a page that is empty or the same as the one before, after 1,000 pages,
    after ten minutes of requests, or at the deadline. Beyond 20 pages there are pauses.

    :param session: the session.
    :param operation: the operation id, for messages.
    :param path: the path.
    :param model: what each item is, for messages.
    :param query: the query without the page.
    :param read_item: returns what an item is, or None to leave it out.
    :param page_size: items a page.
    :param repeat: false to request each page only once.
    :param deadline: when to stop, at the latest.
    :raises EciUnreadableResponseError: if a bound ends it before the list does.
    """
    number, seen, spent, before = 1, 0, 0.0, b""
    while True:
        began = clock.monotonic()
        params = {**query, "pageNumber": number, "pageSize": page_size}
        page = read_list(session, model, operation, path, read_item, params=params, repeat=repeat)
        spent += clock.monotonic() - began
        yield page
        seen += page.count
        if not page.count or page.digest == before or _is_last(page.headers, number, seen):
            return
        if number >= UNPACED_PAGES:
            session.pause(_PAUSE)
            spent += _PAUSE
        _refuse_endless(operation, path, number, spent, deadline)
        number, before = number + 1, page.digest


def _is_last(headers: Mapping[str, str], number: int, seen: int) -> bool:
    """
    Return whether a page is the last one; of headers that contradict each other the one that shows more counts.

    A gateway may make pages smaller and leave ``TotalPages`` as it was. Without that header a short page proves
    nothing: a server may give smaller pages than requested.

    :param headers: the page's headers.
    :param number: its number.
    :param seen: how many items it and those before it have.
    """
    pages, records = (_count(headers.get(name)) for name in ("TotalPages", "TotalNumberOfRecords"))
    return pages is not None and number >= pages and seen >= (records or 0)


def _count(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch("[0-9]{1,18}", text) else None


def _refuse_endless(operation: str, path: str, pages: int, spent: float, deadline: datetime | None) -> None:
    if pages >= MOST_PAGES:
        bound = f"{pages:,} pages"
    elif spent >= LONGEST_WALK:
        bound = f"{spent:.0f} s and {pages:,} pages"
    elif deadline is not None and clock.utc_now() >= deadline:
        bound = f"{pages:,} pages, by {deadline.isoformat(timespec='seconds')}"
    else:
        return
    message = f"{operation}: the list at GET {path} did not end within {bound}, and was not read on."
    raise EciUnreadableResponseError(message, status=200, method="GET", path=path)
