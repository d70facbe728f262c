"""Bodies of answers: read with a bound, with the API key masked if a server echoes it, and cut for messages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import requests
import urllib3

from eci_provider.api.transport.streamed_json import Members, UnreadableJsonError, members
from eci_provider.core.text import shown

if TYPE_CHECKING:
    from eci_provider.api.errors import EciConnectionError
    from eci_provider.api.transport.api_key import ApiKey

#: The largest body that is read whole, in bytes; lists are paged, and polling does not request `output`.
LARGEST_BODY = 256 * 1024 * 1024
#: The largest body that is read while it arrives.
LARGEST_STREAM = 4 * 1024 * 1024 * 1024
EXCERPT = 500
_CHUNK = 64 * 1024
#: More than the length of any key that fits into a header, in bytes, in any spelling.
_LONGEST_KEY = 8 * 1024

#: The errors that end a connection while a request is sent and its answer is read.
CONNECTION_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)


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
    """
    Return whether an answer's status is a success.

    :param response: the answer.
    """
    return 200 <= response.status_code < 300


def read_chunks(response: requests.Response) -> Iterator[bytes]:
    """
    Iterate over a body as it arrives.

    :param response: the answer.
    """
    # urllib3 before 2.2 has no read1, and waits for a whole chunk.
    read = getattr(response.raw, "read1", response.raw.read)
    while chunk := read(_CHUNK, decode_content=True):
        yield chunk


def read_body(response: requests.Response) -> bytes:
    """
    Return a body, or a little more of it than the largest that is allowed.

    Of a refusal only the start is read, and as much of that as arrives, because its status tells what to do.

    :param response: the answer.
    """
    content = bytearray()
    try:
        for chunk in read_chunks(response):
            content += chunk
            if len(content) > LARGEST_BODY or (not is_success(response) and len(content) >= _CHUNK):
                break
    except CONNECTION_ERRORS:
        if is_success(response):
            raise
    return bytes(content)


def parse_json(content: bytes, key: ApiKey) -> Any:
    """
    Return the JSON in a body; if the server echoes the key, it is masked.

    :param content: the body.
    :param key: the API key.
    :raises ValueError: if it is not JSON.
    """
    data = json.loads(content)
    return key.mask(data) if key.is_in(content) else data


def read_members(arriving: Iterable[bytes], key: ApiKey) -> Members:
    """
    Iterate over the members of a JSON object while it arrives; if the server echoes the key, it is masked.

    :param arriving: the body.
    :param key: the API key.
    :raises UnreadableJsonError: if it is not a JSON object.
    """
    is_echoed = False

    def watched() -> Iterator[bytes]:
        nonlocal is_echoed
        size, before = 0, b""
        for chunk in arriving:
            size += len(chunk)
            if size > LARGEST_STREAM:
                raise UnreadableJsonError(f"has more than {LARGEST_STREAM} bytes")
            # A key may lie across two chunks; it is found before a value with it can be read.
            is_echoed = is_echoed or key.is_in(before + chunk)
            before = (before + chunk)[-_LONGEST_KEY:]
            yield chunk

    for name, item in members(watched()):
        yield name, key.mask(item) if is_echoed else item


def excerpt(content: bytes, redact: Callable[[str], str]) -> str:
    """
    Return the start of a body in one line, without markup.

    :param content: the body.
    :param redact: masks the key in a text.
    """
    # Masked before anything is cut, and again without the markup that may have parted the key.
    text = redact(content[: 2 * _CHUNK].decode("utf-8", errors="replace"))[:_CHUNK]
    text = redact(re.sub(r"<[^<>]*>|\s+", " ", text).strip()[: 4 * EXCERPT])
    text = shown(text, 8 * EXCERPT)
    return text if len(text) <= EXCERPT else text[: EXCERPT - 3] + "..."
