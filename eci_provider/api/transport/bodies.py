"""Bodies of answers: read with a bound, without the key should a server echo it, and in a line for people."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import requests
import urllib3

from eci_provider.api.transport.streamed_json import Members, UnreadableJsonError, members

if TYPE_CHECKING:
    from eci_provider.api.errors import EciConnectionError
    from eci_provider.api.transport.addresses import ApiKey

#: The largest body that is read, in bytes; lists are paged and `output` is never asked for while polling.
LARGEST_BODY = 256 * 1024 * 1024
#: The same of a body that is used up while it arrives.
LARGEST_STREAM = 4 * 1024 * 1024 * 1024
EXCERPT = 500
_CHUNK = 64 * 1024
#: More than a key has that fits into a header, in bytes, however it is spelled.
_LONGEST_KEY = 8 * 1024

#: What a connection may end with while a request is sent and its answer is read.
TROUBLE = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)


@runtime_checkable
class StreamedBody(Protocol):
    """A JSON body that is made while it is sent, such as an import's."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...

    def cut_short(self, failure: EciConnectionError) -> EciConnectionError:
        """
        Return what the loss of a connection means for this body.

        :param failure: the loss.
        """


def is_success(response: requests.Response) -> bool:
    """Tell whether an answer says that what was asked for was done."""
    return 200 <= response.status_code < 300


def pieces(response: requests.Response) -> Iterator[bytes]:
    """Iterate over a body as it arrives."""
    # urllib3 before 2.2 has no read1, and waits for a whole chunk.
    read = getattr(response.raw, "read1", response.raw.read)
    while piece := read(_CHUNK, decode_content=True):
        yield piece


def whole(response: requests.Response) -> bytes:
    """
    Read a body, but not far beyond the largest that is taken.

    Of a refusal only the start is read, as far as it comes: its status says what is to be done.
    """
    content = bytearray()
    try:
        for piece in pieces(response):
            content += piece
            if len(content) > LARGEST_BODY or (not is_success(response) and len(content) >= _CHUNK):
                break
    except TROUBLE:
        if is_success(response):
            raise
    return bytes(content)


def parsed(content: bytes, key: ApiKey) -> Any:
    """
    Return what a JSON body says; should the server echo the key, it must not travel on in a result.

    :raises ValueError: when it is no JSON.
    """
    data = json.loads(content)
    return key.masked(data) if key.is_in(content) else data


def masked_members(arriving: Iterable[bytes], key: ApiKey) -> Members:
    """
    Iterate over what stands in a JSON object while it arrives, as :func:`parsed` has it.

    :raises UnreadableJsonError: when it is none.
    """
    is_echoed = False

    def watched() -> Iterator[bytes]:
        nonlocal is_echoed
        size, before = 0, b""
        for piece in arriving:
            size += len(piece)
            if size > LARGEST_STREAM:
                raise UnreadableJsonError(f"has more than {LARGEST_STREAM} bytes")
            # Of a key that lies in two pieces the rest is there before anything with it can be read.
            is_echoed = is_echoed or key.is_in(before + piece)
            before = (before + piece)[-_LONGEST_KEY:]
            yield piece

    for name, item in members(watched()):
        yield name, key.masked(item) if is_echoed else item


def excerpt(content: bytes, redact: Callable[[str], str]) -> str:
    """Return the start of a body in one line."""
    text = redact(content[:_CHUNK].decode("utf-8", errors="replace"))
    text = re.sub(r"<[^>]*>|\s+", " ", text).strip()
    return text if len(text) <= EXCERPT else text[: EXCERPT - 3] + "..."
