"""Bodies of answers: read with a bound, with the API key masked if a server echoes it, and cut for messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import requests
import urllib3

from eci_provider.api.transport.compression import decompressed
from eci_provider.api.transport.limits import Limits, UnreadableJsonError, parse_bounded
from eci_provider.api.transport.streamed_json import Members, array_items, members
from eci_provider.core.text import shown

if TYPE_CHECKING:
    from eci_provider.api.errors import EciConnectionError
    from eci_provider.api.transport.api_key import ApiKey

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
    Iterate over a body as it arrives, decompressed.

    :param response: the answer.
    :raises UnreadableJsonError: if it cannot be decompressed.
    """
    return decompressed(_received(response), response.headers.get("Content-Encoding", ""))


def _received(response: requests.Response) -> Iterator[bytes]:
    # urllib3 before 2.2 has no read1, and waits for a whole chunk. It would decompress a chunk to any size.
    read = getattr(response.raw, "read1", response.raw.read)
    while chunk := read(_CHUNK, decode_content=False):
        yield chunk


def read_body(response: requests.Response, limits: Limits) -> bytes:
    """
    Return a body, or a little more of it than the largest that is allowed.

    Of a refusal only the start is read, and as much of that as arrives, because its status tells what to do.

    :param response: the answer.
    :param limits: what its kind may have.
    :raises UnreadableJsonError: if it cannot be decompressed.
    """
    content = bytearray()
    try:
        for chunk in read_chunks(response):
            content += chunk
            if len(content) > limits.size or (not is_success(response) and len(content) >= _CHUNK):
                break
    except (*CONNECTION_ERRORS, UnreadableJsonError):
        if is_success(response):
            raise
    return bytes(content)


def parse_json(content: bytes, key: ApiKey, limits: Limits) -> Any:
    """
    Return the JSON in a body; if the server echoes the key, it is masked.

    :param content: the body.
    :param key: the API key.
    :param limits: what its kind may have.
    :raises ValueError: if it is not JSON, or more than is allowed.
    """
    data = parse_bounded(content, limits)
    return key.mask(data) if key.is_in(content) else data


class JsonStream:
    """
    JSON that is read while it arrives; if the server echoes the key, it is masked.

    :param arriving: the body.
    :param key: the API key.
    :param limits: what its kind may have.
    """

    def __init__(self, arriving: Iterable[bytes], key: ApiKey, limits: Limits) -> None:
        self._arriving, self._key, self._limits = arriving, key, limits
        self._is_echoed = False
        self._digest = blake2b(digest_size=16)

    @property
    def digest(self) -> bytes:
        """Return a digest of what has arrived."""
        return self._digest.digest()

    def members(self) -> Members:
        """
        Iterate over the members of an object, as :func:`~eci_provider.api.transport.streamed_json.members`.

        :raises UnreadableJsonError: if it is not an object, or more than is allowed.
        """
        for name, item in members(self._watched(), most_values=self._limits.values):
            yield name, self._masked(item)

    def items(self) -> Iterator[Any] | None:
        """
        Return an iterator over the items of an array; None for other JSON.

        :raises UnreadableJsonError: if it is not JSON, or more than is allowed.
        """
        items = array_items(self._watched(), most_values=self._limits.values)
        return None if items is None else map(self._masked, items)

    def _masked(self, item: Any) -> Any:
        return self._key.mask(item) if self._is_echoed else item

    def _watched(self) -> Iterator[bytes]:
        size, before, key = 0, b"", self._key
        for chunk in self._arriving:
            size += len(chunk)
            if size > self._limits.size:
                raise UnreadableJsonError(f"has more than {self._limits.size:,} bytes")
            self._digest.update(chunk)
            # A key may lie across two chunks; it is found before a value with it can be read.
            self._is_echoed = self._is_echoed or key.is_in(before + chunk)
            before = (before + chunk)[-_LONGEST_KEY:]
            yield chunk


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
