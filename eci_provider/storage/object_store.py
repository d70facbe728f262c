"""Open an object store, or say what is missing; put a whole file into it, or nothing of it."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import Any

from eci_provider.core.errors import EciStoreError
from eci_provider.core.paths import redact_path, redact_path_in

#: Which package opens URLs of which scheme.
_PACKAGES = {
    **dict.fromkeys(("s3", "s3a", "s3n"), "apache-airflow-providers-amazon[s3fs]"),
    **dict.fromkeys(("gs", "gcs"), "apache-airflow-providers-google"),
    **dict.fromkeys(("abfs", "abfss", "adl"), "apache-airflow-providers-microsoft-azure"),
}
# What Airflow, universal_pathlib and fsspec say of a scheme that they do not know.
_UNKNOWN = ("No filesystem registered", "Unsupported filesystem", "Protocol not known")


def opened(file: Any) -> Any:
    """
    Return an ObjectStoragePath whose store can be opened.

    :param file: a URL, or such a path.
    :raises EciStoreError: when a package is missing for it.
    """
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    try:
        path = ObjectStoragePath(file) if isinstance(file, str) else file
        _ = path.fs
    except (ImportError, ValueError) as error:
        problem = missing_package(file, error)
        if problem is None:
            raise
        raise EciStoreError(f"File {redact_path(file)!r}: {problem}", file=redact_path(file)) from error
    return path


def missing_package(path: object, error: Exception) -> str | None:
    """
    Return which package is missing, and None where an error says something else.

    :param path: a URL, or an ObjectStoragePath.
    :param error: what opening its store raised.
    """
    if not isinstance(error, ImportError) and not str(error).startswith(_UNKNOWN):
        return None
    scheme = str(path).partition("://")[0]
    package = _PACKAGES.get(scheme, "the Airflow provider that opens such URLs")
    said = redact_path_in(str(error), path)
    return f"nothing that is installed opens {scheme}:// ({said}). Install {package} where tasks run."


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
