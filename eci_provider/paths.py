"""Paths as operators keep them."""

from __future__ import annotations

import os
from typing import Any


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
