"""How a bill file's columns are known: by a column mapping, by a profile, or as Advanced format."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from typing_extensions import Self

from eci_provider.api.errors import EciValidationError
from eci_provider.api.import_profiles import ColumnMapping
from eci_provider.api.models import RequestModel, sentences

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient
    from eci_provider.api.import_profiles import ImportProfileResponse


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
    """Return a profile's mapping; keys of the server's own are passed over, and known ones taken in any case."""
    spelling = {to_camel(name).lower(): to_camel(name) for name in ColumnMapping.model_fields}
    theirs = {
        spelling[key.lower()]: value
        for key, value in (profile.column_mapping or {}).items()
        if key.lower() in spelling
    }
    try:
        return ColumnMapping.model_validate(theirs)
    except ValidationError as error:
        problems = sentences(ColumnMapping, error.errors(include_url=False))
    code = profile.profile_code
    problems = [f"the mapping of import profile {code!r} cannot be used: {problem}" for problem in problems]
    raise EciValidationError(problems, source=source)
