"""Paths as operators store, open, compare and show them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias, cast, runtime_checkable

_LOCAL = ("file://", "local://")
# The password after a user's name, and the values of a query, such as a signature's.
_PASSWORD = re.compile(r"(://[^/@:]*:)[^/]*@")
_VALUE = re.compile(r"([?&][^?&=]*=)[^&]*")


@runtime_checkable
class OpenablePath(Protocol):
    """A path that can be opened: pathlib's Path, Airflow's ObjectStoragePath, or whatever has these members."""

    @property
    def name(self) -> str: ...

    def exists(self) -> bool: ...

    def open(self, mode: str) -> BinaryIO: ...


#: How a file or a folder may be named.
AnyPath: TypeAlias = "str | os.PathLike[str] | OpenablePath"


def openable(path: AnyPath) -> OpenablePath:
    """
    Return a path that can be opened.

    :param path: a local path, or a path that can be opened as it is. URLs are opened by
        :func:`eci_provider.storage.object_store.open_path`.
    """
    if isinstance(path, OpenablePath):
        return path
    return cast("OpenablePath", Path(cast("os.PathLike[str]", path)))


def is_remote(path: object) -> bool:
    """Return whether a path is Airflow's ObjectStoragePath, or one like it, and lies on no local disk."""
    return getattr(path, "protocol", "file") not in ("file", "local", "")


def local_path(path: AnyPath) -> Path | None:
    """
    Return the local path of a file or folder, or None if it lies elsewhere.

    :param path: a local path, or an ObjectStoragePath; no URL.
    """
    if is_remote(path):
        return None
    if hasattr(path, "protocol"):
        return Path(cast("Any", path).path)
    return Path(path) if isinstance(path, (str, os.PathLike)) else None


def as_text(path: Any) -> Any:
    """
    Return a local path as text, and anything else as it is.

    Airflow 3.0 treats every template field with a ``resolve`` method as a reference to another task's result, and
    pathlib.Path has that method. Airflow knows its own ObjectStoragePath.

    :param path: an operator's argument: a path, a URL, an ObjectStoragePath, a template, or None.
    """
    if isinstance(path, os.PathLike) and not hasattr(path, "storage_options"):
        return os.fspath(path)
    return path


def same_place(one: str, other: str) -> bool:
    """
    Return whether two paths or URLs name the same place.

    Local paths are compared after links are followed, other URLs as they are written.

    :param one: a local path or a URL.
    :param other: another one.
    """
    return _place(one) == _place(other)


def _place(path: str) -> str:
    for scheme in _LOCAL:
        if path.startswith(scheme):
            return os.path.realpath(path.removeprefix(scheme))
    return path if "://" in path else os.path.realpath(path)


def redact_path(path: object) -> str:
    """
    Return a path for messages, without a URL's password and the values of its query.

    :param path: a local path, a URL or the end of one, or an ObjectStoragePath.
    """
    return _VALUE.sub(r"\1***", _PASSWORD.sub(r"\1***@", str(path)))


def redact_path_in(text: str, path: object) -> str:
    """
    Return a text in which a path is redacted as :func:`redact_path` does it.

    :param text: another library's message, such as that of a store's client.
    :param path: the path that the text may contain.
    """
    return text.replace(str(path), redact_path(path))
