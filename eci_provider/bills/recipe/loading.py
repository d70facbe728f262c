"""A recipe from a dict, or from a JSON or YAML file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, TypeAlias

from eci_provider.api.models import validated
from eci_provider.bills.recipe.model import BillFileRecipe
from eci_provider.core.checks import checked_path
from eci_provider.core.errors import EciValidationError
from eci_provider.core.paths import AnyPath, OpenablePath, redact_path
from eci_provider.storage.object_store import open_path

#: How a recipe may be given.
AnyRecipe: TypeAlias = "BillFileRecipe | Mapping[str, Any] | AnyPath"
_YAML = (".yaml", ".yml")
#: The most bytes of a recipe, or of a look-up table.
_LARGEST = 64 * 1024 * 1024


def load_recipe(recipe: AnyRecipe, *, source: str = "recipe") -> BillFileRecipe:
    """
    Return a recipe.

    :param recipe: a recipe, a dict, or a path or URL that ends in .json, .yaml or .yml. The paths of its look-up
        tables count from its folder.
    :param source: whose argument it is, for messages.
    :raises EciValidationError: when it is no recipe; the message names each wrong field.
    :raises EciStoreError: when no installed package opens its store.
    """
    if isinstance(recipe, BillFileRecipe):
        return recipe
    if isinstance(recipe, Mapping):
        return validated(BillFileRecipe, _with_tables(recipe, None, source), source=source)
    check_recipe_name(recipe, source=source)
    path = open_path(recipe)
    shown = redact_path(path)
    values = _parsed(path.name, _text(path, shown), shown)
    if not isinstance(values, Mapping):
        raise EciValidationError(["a recipe must be a mapping of its fields"], source=shown)
    return validated(BillFileRecipe, _with_tables(values, path, shown), source=shown)


def check_recipe_name(recipe: AnyPath, *, source: str) -> None:
    """
    Refuse a path that is no recipe's.

    :param recipe: the path.
    :param source: whose argument it is, for the message.
    :raises EciValidationError: when its name does not end in .json, .yaml or .yml.
    """
    text = checked_path(recipe, name="recipe", description="a recipe", source=source)
    if PurePosixPath(text).suffix.lower() not in (".json", *_YAML):
        problem = f"recipe is {redact_path(text)!r}: its name must end in .json, .yaml or .yml"
        raise EciValidationError([problem], source=source)


def _text(path: OpenablePath, shown: str) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise EciValidationError([f"it cannot be opened ({reason})"], source=shown) from None
    if len(content) > _LARGEST:
        raise EciValidationError([f"it has more than {_LARGEST:,} bytes"], source=shown)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise EciValidationError(["it is not UTF-8. Save it as UTF-8"], source=shown) from None


def _parsed(name: str, text: str, shown: str) -> Any:
    suffix = PurePosixPath(name).suffix.lower()
    if suffix == ".json":
        try:
            return json.loads(text, object_pairs_hook=_without_doubles)
        except ValueError as error:
            raise EciValidationError([f"it is not JSON ({error})"], source=shown) from None
    return _yaml(text, shown)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{double!r} is there twice")
    return found


def _yaml(text: str, shown: str) -> Any:
    try:
        from eci_provider.bills.recipe.yaml_texts import load_yaml
    except ImportError:
        problem = "a recipe in YAML needs PyYAML. Install it: pip install 'airflow-provider-eci[xlsx]'"
        raise EciValidationError([problem], source=shown) from None
    try:
        return load_yaml(text)
    except ValueError as error:
        raise EciValidationError([f"it is not YAML ({error})"], source=shown) from None


def _with_tables(value: Any, recipe: OpenablePath | None, source: str) -> Any:
    """Return a recipe's values with the content of its look-up tables instead of their paths."""
    if isinstance(value, Mapping):
        return {
            key: _table(item, recipe, source)
            if key == "lookup" and isinstance(item, str)
            else _with_tables(item, recipe, source)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_with_tables(item, recipe, source) for item in value]
    return value


def _table(name: str, recipe: OpenablePath | None, source: str) -> dict[str, str]:
    """Return a look-up table: the first column of a CSV file to its second."""
    checked_path(name, name="lookup", description="a look-up table", source=source)
    is_absolute = "://" in name or name.startswith("/")
    path: Any = open_path(name) if recipe is None or is_absolute else _beside(recipe, name)
    shown = redact_path(path)
    table: dict[str, str] = {}
    try:
        for number, row in enumerate(
            csv.reader(io.StringIO(_text(path, shown), newline=""), strict=True), start=1
        ):
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if len(cells) != 2:
                raise ValueError(f"row {number} has {len(cells)} cells instead of two")
            if table.setdefault(cells[0], cells[1]) != cells[1]:
                raise ValueError(f"row {number} gives a code another value than a row above it")
    except (csv.Error, ValueError) as error:
        raise EciValidationError([f"it is no look-up table ({error})"], source=shown) from None
    return table


def _beside(recipe: OpenablePath, name: str) -> Any:
    folder: Any = recipe
    return folder.parent / name
