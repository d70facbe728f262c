"""Put a whole file into an object store, or nothing of it."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import Any


def upload(store: Any, draft: str, path: str) -> None:
    """
    Send a file.

    Not through an open file of the store: closing one after a failure makes an object of what it has got so far.

    :param store: the file system, as fsspec has it.
    :param draft: the local file.
    :param path: where to in the store.
    """
    from fsspec.asyn import AsyncFileSystem  # type: ignore[import-untyped]

    if isinstance(store, AsyncFileSystem):
        # S3, Google's, Azure's: an object is there once it was sent to its end.
        store.put_file(draft, path)
        return
    folder, _, _ = path.rpartition("/")
    hidden = f"{folder}/.{secrets.token_hex(8)}.tmp"
    try:
        store.put_file(draft, hidden)
        store.mv(hidden, path)
    except BaseException:
        with suppress(Exception):
            store.rm_file(hidden)
        raise
