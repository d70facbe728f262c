"""Paged lists as iterators that fetch one page after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from eci_provider.api.errors import EciValidationError
from eci_provider.api.filters import Filter
from eci_provider.api.models import ResponseModel
from eci_provider.api.transport.responses import read_list

if TYPE_CHECKING:
    from eci_provider.api.transport.answers import Answer
    from eci_provider.api.transport.session import EciSession

_Response = TypeVar("_Response", bound=ResponseModel)

#: The largest page the server gives (Paging page); it silently lowers larger values.
LARGEST_PAGE = 1000


def field_list(fields: Sequence[str] | None) -> str | None:
    """
    Return the `field` query, an include list of documented names (Field reduction page).

    :param fields: the names; None for all fields.
    :raises EciValidationError: for a text, which would be read as a list of letters.
    """
    if isinstance(fields, str):
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
    :param params: further query parameters.
    :return: the items.
    :raises EciValidationError: at once, if the page size is out of its bounds.
    """
    whole = isinstance(page_size, int) and not isinstance(page_size, bool)
    if not whole or not 1 <= page_size <= LARGEST_PAGE:
        problem = f"page_size is {page_size!r}: must be a whole number from 1 to {LARGEST_PAGE}"
        raise EciValidationError([problem], source=operation)
    query = {**params, "filter": str(filter) if filter is not None else None, "field": field_list(fields)}
    return _items(session, operation, path, model, query, page_size)


def page_answers(
    session: EciSession,
    operation: str,
    path: str,
    query: Mapping[str, Any],
    *,
    page_size: int = LARGEST_PAGE,
    repeat: bool = True,
) -> Iterator[Answer]:
    """
    Iterate over the answers of a paged list, before their items are read.

    :param session: the session.
    :param operation: the operation id, for messages.
    :param path: the path.
    :param query: the query without the page.
    :param page_size: items a page.
    :param repeat: false to request each page only once.
    """
    number, before = 1, None
    while True:
        params = {**query, "pageNumber": number, "pageSize": page_size}
        answer = session.request(operation, "GET", path, params=params, repeat=repeat)
        yield answer
        items = answer.data if isinstance(answer.data, list) else []
        total = answer.headers.get("TotalPages", "")
        # Without the header a short page proves nothing: a server may give smaller pages than requested.
        last = number >= int(total) if re.fullmatch("[0-9]{1,9}", total) else False
        if last or not items or items == before:  # whatever the header says
            return
        number, before = number + 1, items


def _items(
    session: EciSession,
    operation: str,
    path: str,
    model: type[_Response],
    query: dict[str, Any],
    page_size: int,
) -> Iterator[_Response]:
    for answer in page_answers(session, operation, path, query, page_size=page_size):
        yield from read_list(session, model, answer, operation=operation, path=path)
