"""Opening files in object stores, and replacing a file there by a whole one."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from typing import Any, cast

from eci_provider.core.errors import EciStoreError as EciStoreError
from eci_provider.core.paths import AnyPath, OpenablePath, is_remote, openable, redact_path_in

#: Which package opens URLs of which scheme.
_PACKAGES = {
    **dict.fromkeys(("s3", "s3a", "s3n"), "apache-airflow-providers-amazon[s3fs]"),
    **dict.fromkeys(("gs", "gcs"), "apache-airflow-providers-google"),
    **dict.fromkeys(("abfs", "abfss", "adl"), "apache-airflow-providers-microsoft-azure"),
}
# What Airflow, universal_pathlib and fsspec say of a scheme that they do not know.
_UNKNOWN = ("No filesystem registered", "Unsupported filesystem", "Protocol not known")


def open_path(path: AnyPath) -> OpenablePath:
    """
    Return a path that can be opened, its store included.

    :param path: a local path, a URL that Airflow's ObjectStoragePath opens, or such a path. Anything else is
        returned as it is, for whoever uses it to refuse.
    :raises EciStoreError: when no installed package opens its store.
    """
    is_url = isinstance(path, str) and "://" in path
    if not is_url and not is_remote(path):
        return openable(path) if isinstance(path, (str, os.PathLike)) else path
    try:
        located: Any = _object_storage_path(path) if is_url else path
        _ = located.fs
    except (ImportError, ValueError) as error:
        problem = missing_package(path, error)
        if problem is None:
            raise
        raise EciStoreError(problem, file=path) from error
    return cast("OpenablePath", located)


def _object_storage_path(url: Any) -> Any:
    # Late, so that local files need none of Airflow.
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    return ObjectStoragePath(url)


def missing_package(path: object, error: Exception) -> str | None:
    """
    Return which package is missing, or None if an error says something else.

    :param path: a URL, or an ObjectStoragePath.
    :param error: what opening its store raised.
    """
    if not isinstance(error, ImportError) and not str(error).startswith(_UNKNOWN):
        return None
    scheme = str(path).partition("://")[0]
    package = _PACKAGES.get(scheme, "the Airflow provider that opens such URLs")
    reported = redact_path_in(str(error), path)
    return f"no installed package opens {scheme}:// ({reported}). Install {package} where tasks run."


def replace_file(store: Any, draft: str, path: str) -> None:
    """
    Send a local file to a store, where it replaces the one at its path.

    Not through an open file of the store: closing one after a failure makes an object of what it has got so far.

    :param store: the file system, as fsspec has it.
    :param draft: the local file.
    :param path: the path in the store.
    :raises FileExistsError: when the store neither replaces what is there nor says why not.
    """
    if getattr(store, "async_impl", False):
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
    """Move a file to its path, though not each store replaces a file by that, or says that it did not."""
    try:
        _move(store, hidden, path)
        return
    except Exception:
        # Where the path is free, or the store is gone, nothing else would do better.
        if not (store.exists(path) and store.exists(hidden)):
            raise
    # For a moment nothing is at the path; what was there is brought back if the new file does not get there.
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
