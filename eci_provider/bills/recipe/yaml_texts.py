"""YAML in which a code stays as it is written: ``0004411`` is no octal number, and ``2024-01-31`` a text."""

from __future__ import annotations

import re
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # there may be no types of PyYAML
    """YAML's safe loader; only whole numbers without leading zeros, true, false and null are no texts."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012, as PyYAML declares it

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """Return a mapping, and refuse one with a key twice, of which YAML would keep the last."""
        found = super().construct_mapping(node, deep=deep)
        if len(found) < len(node.value):
            raise ValueError(f"a key is there twice, in the mapping at line {node.start_mark.line + 1}")
        return found


for _tag, _pattern, _first in (
    ("bool", r"true|false|True|False", "tfTF"),
    ("null", r"~|null|", "~n\0"),
    ("int", r"0|-?[1-9][0-9]{0,17}", "-0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})$"), [*_first])
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"$"), [""])


def load_yaml(text: str) -> Any:
    """
    Return the content of a YAML document.

    :param text: the document.
    :raises ValueError: when it is none, or has a mapping with a key twice.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506, a subclass of the safe loader
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None
