"""Values that are found once and kept."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Memo(dict[_Key, _Value]):
    """A dict that finds a missing value and keeps it; when it is full, it drops all that it has."""

    __slots__ = ()
    #: How many values are kept at most.
    most: ClassVar[int] = 16_384

    def __missing__(self, key: _Key) -> _Value:
        value = self.find(key)
        if self.is_kept(key):
            if len(self) >= self.most:
                self.clear()
            self[key] = value
        return value

    @abstractmethod
    def find(self, key: _Key) -> _Value:
        """
        Return the value of a key.

        :param key: the key.
        """

    def is_kept(self, key: _Key) -> bool:
        """
        Return whether the value of a key is kept; not for a key that takes much memory.

        :param key: the key.
        """
        return True
