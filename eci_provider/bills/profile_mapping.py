"""The column mapping of an import profile, read from EnergyCAP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from eci_provider.api.column_mapping import ColumnMapping, Observation
from eci_provider.api.header_lookup import LONGEST_CAPTION
from eci_provider.api.import_profiles import ImportProfileResponse, ImportProfiles
from eci_provider.api.models import RequestModel, sentences
from eci_provider.bills.dates import DATE_FORMATS
from eci_provider.core.errors import EciValidationError
from eci_provider.core.text import did_you_mean

_DATE_FORMATS = {name.lower(): name for name in DATE_FORMATS}
_COLUMN_INDEX = "columnindex"
#: Replaces a code that the server does not show.
_UNKNOWN = "?"


def profile_mapping(profiles: ImportProfiles, profile_code: str, *, source: str) -> ColumnMapping:
    """
    Return the column mapping of an import profile (GetBillImportProfilesV3).

    :param profiles: the client's ``import_profiles``.
    :param profile_code: the profile's code.
    :param source: where it comes from, for the message.
    :raises EciValidationError: when there is no such profile, or its mapping cannot be used.
    """
    by_code = {profile.profile_code: profile for profile in profiles.list() if profile.profile_code}
    if profile_code not in by_code:
        hint = did_you_mean(profile_code, by_code, is_quoted=True)
        problem = f"profile_code is {profile_code!r}: EnergyCAP has no such import profile. {hint}".rstrip()
        raise EciValidationError([problem], source=source)
    return _mapping(by_code[profile_code], source)


def _mapping(profile: ImportProfileResponse, source: str) -> ColumnMapping:
    """Return a profile's mapping; EnergyCAP may show it in other ways than it accepts it."""
    fields = _known_fields(ColumnMapping, profile.column_mapping or {})
    date_format = fields.get("dateFormat")
    if isinstance(date_format, str):
        fields["dateFormat"] = _DATE_FORMATS.get(date_format.strip().lower(), date_format)
    if isinstance(fields.get("observations"), list):
        fields["observations"] = [_observation(item) for item in fields["observations"] if _has_column(item)]
    try:
        return ColumnMapping.model_validate(fields)
    except ValidationError as error:
        problems = sentences(ColumnMapping, error.errors(include_url=False))
    code = profile.profile_code
    problems = [f"the mapping of import profile {code!r} cannot be used: {problem}" for problem in problems]
    raise EciValidationError(problems, source=source)


def _known_fields(model: type[RequestModel], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a model has, in any case, without columns below 1."""
    spelling = {to_camel(name).lower(): to_camel(name) for name in model.model_fields}
    return {
        spelling[key.lower()]: value
        for key, value in fields.items()
        if key.lower() in spelling
        and not (key.lower().endswith(_COLUMN_INDEX) and isinstance(value, int) and value < 1)
    }


def _has_column(item: Any) -> bool:
    return not isinstance(item, Mapping) or _known_fields(Observation, item).get("columnIndex") is not None


def _observation(item: Any) -> Any:
    """Return an observation with replacements for missing texts: a check needs only its column."""
    if not isinstance(item, Mapping):
        return item
    values = _known_fields(Observation, item)
    return {
        "columnIndex": values["columnIndex"],
        "observationTypeCode": values.get("observationTypeCode") or _UNKNOWN,
        "unitCode": values.get("unitCode") or _UNKNOWN,
        "caption": str(values.get("caption") or "")[:LONGEST_CAPTION],
    }
