"""Read what a class's docstring says about its arguments."""

from __future__ import annotations

import re


def explained_arguments(kind: type) -> list[str]:
    """Return the names of the arguments that the docstring explains, in its order."""
    return re.findall(r"^ *:param (\w+):", kind.__doc__ or "", flags=re.MULTILINE)


def explanation(kind: type, name: str) -> str:
    """Return what the docstring says about an argument."""
    found = re.search(rf":param {name}:(.*?)(?=^ *:(?:param|return)|\Z)", kind.__doc__ or "", flags=re.M | re.S)
    assert found is not None, name
    return found.group(1)
