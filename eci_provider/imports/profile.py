"""Create an import profile once: its code is unique, so the list of profiles shows what became of a request."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eci_provider.api.errors import (
    EciBadRequestError,
    EciExistsError,
    EciNotCarriedOutError,
    EciUnknownOutcomeError,
)
from eci_provider.submission.settle import MOST_SENDS, change_until_shown, find_after_settling

if TYPE_CHECKING:
    from eci_provider.api.client import EciClient
    from eci_provider.api.import_profiles import ImportProfile, ImportProfileResponse

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProfileCreator:
    """
    Create an import profile, unless it exists.

    :param client: the client.
    :param request: the profile.
    :param if_exists: what to do with one of another mapping: ``fail``, ``keep`` or ``replace``.
    :param settle_time: seconds until a request whose answer was lost has taken effect.
    :param source: whose profile it is, for messages.
    """

    client: EciClient
    request: ImportProfile
    if_exists: str
    settle_time: float
    source: str

    def create_or_adopt(self) -> ImportProfileResponse:
        """
        Create the profile, or do with the existing one as ``if_exists`` says, and log what was done.

        :return: the profile.
        :raises EciExistsError: if one exists with another mapping, and ``if_exists`` is ``fail``.
        :raises EciUnknownOutcomeError: if it cannot be known whether it was created.
        :raises EciError: as for every request.
        """
        existing = self._find()
        profile, done = self._create() if existing is None else self._adopt(existing)
        log.info("Import profile %r (%s) %s.", self._code, profile.profile_id, done)
        return profile

    @property
    def _code(self) -> str:
        return self.request.profile_code

    def _create(self) -> tuple[ImportProfileResponse, str]:
        for _ in range(MOST_SENDS):
            try:
                created = self.client.import_profiles.create(self._code, self.request.column_mapping)
                return created, "was created"
            except EciUnknownOutcomeError as error:
                log.warning("%s Checking whether it took effect.", error)
                lost = error
            except EciBadRequestError:
                # Somebody, perhaps an earlier request of ours, may have created it since, and a list may lag.
                existing = self._find_after_settling()
                if existing is None:
                    raise
                return self._adopt(existing)
            existing = self._find_after_settling()
            if existing is not None:
                return self._adopt(existing)
        raise lost

    def _find_after_settling(self) -> ImportProfileResponse | None:
        return find_after_settling(
            self._find,
            self.settle_time,
            unknown=f"{self.source}: it is not known whether import profile {self._code!r} was created",
            profile_code=self._code,
        )

    def _find(self) -> ImportProfileResponse | None:
        profiles = self.client.import_profiles.list()
        found = next((profile for profile in profiles if profile.profile_code == self._code), None)
        if found is not None and not found.profile_id:
            raise EciUnknownOutcomeError(
                f"{self.source}: EnergyCAP lists import profile {self._code!r} without its number, so it "
                "cannot be used.",
                profile_code=self._code,
            )
        return found

    def _adopt(self, existing: ImportProfileResponse) -> tuple[ImportProfileResponse, str]:
        """Keep, replace or refuse an existing profile."""
        mapping = self.request.column_mapping
        if existing.has_mapping(mapping):
            # Created by an earlier request of this task, or by somebody who wanted the same.
            return existing, "has this mapping"
        if self.if_exists == "keep":
            return existing, "exists and was kept as it is"
        if self.if_exists == "replace":
            return self._replace(existing.profile_id or 0), "exists; its mapping was replaced"
        raise EciExistsError(
            f"{self.source}: import profile {self._code!r} ({existing.profile_id}) exists with another mapping. "
            "Set if_exists to 'keep' to use it as it is or to 'replace' to give it this mapping, or choose "
            "another profile_code.",
            profile_id=existing.profile_id,
            profile_code=self._code,
        )

    def _replace(self, profile_id: int) -> ImportProfileResponse:
        """
        Give a profile the mapping, and check that it has it then.

        :raises EciNotCarriedOutError: if EnergyCAP accepted the change and the profile has another mapping.
        """
        profiles, mapping = self.client.import_profiles, self.request.column_mapping
        replaced = change_until_shown(
            lambda: profiles.edit(profile_id, self._code, mapping, repeat=False),
            lambda: profiles.get(profile_id),
            lambda profile: profile.has_mapping(mapping),
            self.settle_time,
            unknown=f"{self.source}: it is not known whether import profile {self._code!r} was replaced",
            profile_code=self._code,
        )
        if not replaced.has_mapping(mapping):
            raise EciNotCarriedOutError(
                f"{self.source}: EnergyCAP accepted the new mapping of import profile {self._code!r} "
                f"({profile_id}), but the profile has another one. Check the profile in EnergyCAP.",
                profile_id=profile_id,
                profile_code=self._code,
            )
        return replaced
