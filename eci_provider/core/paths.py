"""Paths as operators keep, compare and show them."""

from __future__ import annotations

import os
import re
from typing import Any

_LOCAL = ("file://", "local://")
# The password after a user's name, and the values of a query, such as a signature's.
_PASSWORD = re.compile(r"(://[^/@:]*:)[^/]*@")
_VALUE = re.compile(r"([?&][^?&=]*=)[^&]*")


def as_text(path: Any) -> Any:
    """
    Return a local path as text, and anything else as it is.

    Airflow 3.0 takes each template field that has a ``resolve`` for a reference to another task's result, and a
    pathlib.Path has one. Its own ObjectStoragePath it knows.

    :param path: an operator's argument: a path, a URL, an ObjectStoragePath, a template, or None.
    """
    if isinstance(path, os.PathLike) and not hasattr(path, "storage_options"):
        return os.fspath(path)
    return path


def same_place(one: str, other: str) -> bool:
    """
    Tell whether two paths or URLs name the same place.

    Local ones are compared after links are followed, others as they are written.

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
    Return a path as messages show it: without a URL's password, and without the values of its query.

    :param path: a local path, a URL or the end of one, or an ObjectStoragePath.
    """
    return _VALUE.sub(r"\1***", _PASSWORD.sub(r"\1***@", str(path)))


def redact_path_in(text: str, path: object) -> str:
    """
    Return a message that may quote a path, with the path as messages show it.

    :param text: what somebody else says, such as a store's client.
    :param path: the path that it may quote.
    """
    return text.replace(str(path), redact_path(path))
