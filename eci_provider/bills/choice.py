"""How a bill file's columns are known: by a column mapping, by a profile, or as Advanced format."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from typing_extensions import Self

from eci_provider.api.column_mapping import ColumnMapping, Observation
from eci_provider.api.errors import EciValidationError
from eci_provider.api.header_lookup import LONGEST_CAPTION
from eci_provider.api.models import RequestModel, sentences
from eci_provider.bills.dates import DATE_FORMATS

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient
    from eci_provider.api.import_profiles import ImportProfileResponse


_DATE_FORMATS = {name.lower(): name for name in DATE_FORMATS}
_COLUMN_INDEX = "columnindex"
#: What stands for a code that the server does not show.
_UNKNOWN = "?"


class ColumnChoice(RequestModel):
    """Name a profile or give a column mapping; neither means Advanced format."""

    profile_code: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    column_mapping: ColumnMapping | None = None

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        if self.profile_code is not None and self.column_mapping is not None:
            raise ValueError("profile_code and column_mapping are both given: must be one of them")
        return self


def profile_mapping(client: EciClient, profile_code: str, *, source: str) -> ColumnMapping:
    """
    Read the column mapping of an import profile from EnergyCAP (GetBillImportProfilesV3).

    :param client: the client.
    :param profile_code: the profile's code.
    :param source: where it came from, for the message.
    :raises EciValidationError: when there is no such profile, or its mapping is none.
    """
    profiles = {profile.profile_code or "": profile for profile in client.import_profiles.list()}
    if profile_code not in profiles:
        near = get_close_matches(profile_code, profiles, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        problem = f"profile_code is {profile_code!r}: EnergyCAP has no such import profile.{hint}"
        raise EciValidationError([problem], source=source)
    return _mapping(profiles[profile_code], source)


def _mapping(profile: ImportProfileResponse, source: str) -> ColumnMapping:
    """Return a profile's mapping, leniently: what it shows need not be what it would accept."""
    theirs = _shown(ColumnMapping, profile.column_mapping or {})
    written = theirs.get("dateFormat")
    if isinstance(written, str):
        theirs["dateFormat"] = _DATE_FORMATS.get(written.strip().lower(), written)
    if isinstance(theirs.get("observations"), list):
        theirs["observations"] = [_observation(item) for item in theirs["observations"] if _has_column(item)]
    try:
        return ColumnMapping.model_validate(theirs)
    except ValidationError as error:
        problems = sentences(ColumnMapping, error.errors(include_url=False))
    code = profile.profile_code
    problems = [f"the mapping of import profile {code!r} cannot be used: {problem}" for problem in problems]
    raise EciValidationError(problems, source=source)


def _shown(model: type[RequestModel], shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a model in any case; keys of the server's own and columns below 1 are passed over."""
    spelling = {to_camel(name).lower(): to_camel(name) for name in model.model_fields}
    return {
        spelling[key.lower()]: value
        for key, value in shown.items()
        if key.lower() in spelling
        and not (key.lower().endswith(_COLUMN_INDEX) and isinstance(value, int) and value < 1)
    }


def _has_column(item: Any) -> bool:
    return not isinstance(item, Mapping) or _shown(Observation, item).get("columnIndex") is not None


def _observation(item: Any) -> Any:
    """Return an observation whose texts may be missing: of a file, only its column is looked at."""
    if not isinstance(item, Mapping):
        return item
    values = _shown(Observation, item)
    return {
        "columnIndex": values["columnIndex"],
        "observationTypeCode": values.get("observationTypeCode") or _UNKNOWN,
        "unitCode": values.get("unitCode") or _UNKNOWN,
        "caption": str(values.get("caption") or "")[:LONGEST_CAPTION],
    }
