"""Decompress bodies piece by piece, so that a small one cannot fill the memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from eci_provider.api.transport.limits import UnreadableJsonError

#: The largest piece that is made at a time, in bytes.
_PIECE = 64 * 1024
#: zlib's number for the format of each encoding.
_FORMATS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
#: The first byte of gzip; a body may be several of them in a row.
_GZIP = 0x1F


def decompressed(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """
    Iterate over the pieces of a compressed body. None was requested, but a gateway may compress all the same.

    :param chunks: the body as it arrives.
    :param encoding: its ``Content-Encoding``.
    :raises UnreadableJsonError: if it is compressed otherwise, or several times, or damaged.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        yield from chunks
        return
    if name not in _FORMATS:
        raise UnreadableJsonError("is compressed in a way that was not requested")
    decoder, members = None, 0
    try:
        for chunk in chunks:
            left = chunk
            while left:
                if decoder is None:
                    if members and (name == "deflate" or left[0] != _GZIP):
                        return  # such as padding
                    decoder, members = _decoder(name, left), members + 1
                piece = decoder.decompress(left, _PIECE)
                while piece:
                    yield piece
                    piece = decoder.decompress(decoder.unconsumed_tail, _PIECE)
                left, decoder = decoder.unused_data, None if decoder.eof else decoder
    except zlib.error:
        raise UnreadableJsonError("is compressed, and damaged") from None


def _decoder(name: str, start: bytes) -> zlib._Decompress:
    # Some servers send "deflate" without zlib's header.
    is_raw = name == "deflate" and start[0] & 0x0F != 8
    return zlib.decompressobj(-zlib.MAX_WBITS if is_raw else _FORMATS[name])
