"""Object stores without a network, and paths in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from fsspec.asyn import AsyncFileSystem
from fsspec.implementations.memory import MemoryFileSystem


class StorePath:
    """
    A path in a store of a test.

    :param store: the store; an error that opening it raises.
    :param path: the path in the store.
    """

    protocol = "test"

    def __init__(self, store: object, path: str) -> None:
        self._store = store
        self.path = path
        self.name = path.rpartition("/")[2]

    @property
    def fs(self) -> Any:
        if isinstance(self._store, Exception):
            raise self._store
        return self._store

    def exists(self) -> bool:
        return bool(self.fs.exists(self.path))

    def open(self, mode: str) -> BinaryIO:
        opened: BinaryIO = self.fs.open(self.path, mode)
        return opened

    def __str__(self) -> str:
        return f"test://user:secret@host{self.path}?sig=secret&x=secret"


class WholeStore(AsyncFileSystem):  # type: ignore[misc]
    """A store whose objects are there once they were sent to their end, as S3."""

    protocol = "whole"
    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}
        self.sent: list[str] = []

    async def _put_file(self, lpath: str, rpath: str, **_: Any) -> None:
        self.sent.append(rpath)
        self.objects[rpath] = Path(lpath).read_bytes()


class UnwillingStore(MemoryFileSystem):  # type: ignore[misc]
    """
    A store that does not replace a file by a move: it says nothing, as WebHDFS, or refuses, as SMB.

    Of moves to other places it fails those that are listed, counted from 0.
    """

    cachable = False
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    says_so = False
    failing: tuple[int, ...] = ()
    moves = 0

    def mv(self, source: str, target: str, **_: Any) -> None:
        if self.exists(target):
            if self.says_so:
                raise OSError(17, "there is one")
            return
        self.moves += 1
        if self.moves - 1 in self.failing:
            raise ConnectionError("the store is gone")
        super().mv(source, target)
