"""Put a whole file into an object store, or nothing of it."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import Any


def upload(store: Any, draft: str, path: str) -> None:
    """
    Send a file; what is at its place is replaced.

    Not through an open file of the store: closing one after a failure makes an object of what it has got so far.

    :param store: the file system, as fsspec has it.
    :param draft: the local file.
    :param path: where to in the store.
    :raises FileExistsError: when the store neither replaces what is there nor says why not.
    """
    from fsspec.asyn import AsyncFileSystem  # type: ignore[import-untyped]

    if isinstance(store, AsyncFileSystem):
        # S3, Google's, Azure's: an object is there once it was sent to its end.
        store.put_file(draft, path)
        return
    hidden = _hidden_beside(path)
    try:
        store.put_file(draft, hidden)
        _replace(store, hidden, path)
    except BaseException:
        with suppress(Exception):
            store.rm_file(hidden)
        raise


def _replace(store: Any, hidden: str, path: str) -> None:
    """Move a file to its place, though not each store replaces a file by that, or says that it did not."""
    try:
        _move(store, hidden, path)
        return
    except Exception:
        # Where the place is free, or the store is gone, nothing else would do better.
        if not (store.exists(path) and store.exists(hidden)):
            raise
    # For a moment nothing is at the place; what was there is brought back if the new file does not get there.
    earlier = _hidden_beside(path)
    _move(store, path, earlier)
    try:
        _move(store, hidden, path)
    except BaseException:
        with suppress(Exception):
            _move(store, earlier, path)
        raise
    store.rm_file(earlier)


def _move(store: Any, source: str, target: str) -> None:
    store.mv(source, target)
    store.invalidate_cache()
    if store.exists(source):
        raise FileExistsError(f"{source!r} was not moved to {target!r}, and the store does not say why")


def _hidden_beside(path: str) -> str:
    folder, _, _ = path.rpartition("/")
    return f"{folder}/.{secrets.token_hex(8)}.tmp"
