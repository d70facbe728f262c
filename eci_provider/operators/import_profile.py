"""Create an import profile: which column of a bill file is what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from eci_provider.api.errors import EciBadRequestError, EciExistsError, EciUnknownOutcomeError
from eci_provider.operators.columns import EciColumnsOperator
from eci_provider.runtime.arguments import check_choice
from eci_provider.submission.settle import MOST_SENDS, find_after_settling

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.api.client import EciClient
    from eci_provider.api.import_profiles import ImportProfile, ImportProfileResponse
    from eci_provider.hooks.eci import EciHook

IF_EXISTS = ("fail", "keep", "replace")


class CreateImportProfileOperator(EciColumnsOperator):
    """
    Create an import profile (WriteBillImportProfileV3).

    :param profile_code: its code, 1 to 64 characters, unique among bill import profiles.
    :param column_mapping: which column is what: columns counted from 1, in snake_case or the documented camelCase;
        or names of columns as :func:`~eci_provider.api.column_mapping.mapping_from_header` takes them, with the
        ``header`` or a ``sample_file`` that they stand in.
    :param if_exists: what to do about a profile of that code: ``fail``, ``keep`` it as it is, or ``replace`` its
        mapping. One that has this mapping already is taken in any case.
    :param eci_conn_id: the Airflow connection.
    :return: ``profile_id`` and ``profile_code``.
    """

    request_fields = ("profile_code", "column_mapping")
    template_fields: Sequence[str] = ("eci_conn_id", *request_fields, "if_exists")
    template_fields_renderers: ClassVar[dict[str, str]] = {"column_mapping": "json"}
    operator_extra_links = ()

    def __init__(
        self,
        *,
        profile_code: str,
        column_mapping: Mapping[str, Any],
        if_exists: str = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.profile_code = profile_code
        self.column_mapping = column_mapping
        self.if_exists = if_exists
        self.check_literals()
        check_choice("if_exists", if_exists, IF_EXISTS, source=self.source)

    @staticmethod
    def request_model() -> type[ImportProfile]:
        """Return the model of the request."""
        from eci_provider.api.import_profiles import ImportProfile

        return ImportProfile

    def perform(self, context: Context, hook: EciHook) -> dict[str, Any]:
        """Create the profile, or do with the existing one as ``if_exists`` says."""
        request = cast("ImportProfile", self.checked_request())
        check_choice("if_exists", self.if_exists, IF_EXISTS, source=self.source)
        client = hook.get_conn()
        existing = self._existing(client)
        if existing is None:
            profile, done = self._create(client, request, hook.settings.settle_time)
        else:
            profile, done = self._settle(client, existing, request)
        self.log.info("Import profile %r (%s) %s.", self.profile_code, profile.profile_id, done)
        return {"profile_id": profile.profile_id, "profile_code": profile.profile_code}

    def _create(
        self, client: EciClient, request: ImportProfile, settle_time: float
    ) -> tuple[ImportProfileResponse, str]:
        """Create the profile; where the answer is lost, its code, which is unique, tells what became of it."""
        for _ in range(MOST_SENDS):
            try:
                return client.import_profiles.create(self.profile_code, request.column_mapping), "was created"
            except EciUnknownOutcomeError as error:
                self.log.warning("%s Looking whether it took effect.", error)
                lost = error
            except EciBadRequestError:
                # Somebody, perhaps an earlier request of ours, may have created it since we looked.
                existing = self._existing(client)
                if existing is None:
                    raise
                return self._settle(client, existing, request)
            existing = self._existing_after(client, settle_time)
            if existing is not None:
                return self._settle(client, existing, request)
        raise lost

    def _existing_after(self, client: EciClient, settle_time: float) -> ImportProfileResponse | None:
        return find_after_settling(
            lambda: self._existing(client),
            settle_time,
            unknown=f"{self.source}: it is not known whether import profile {self.profile_code!r} was created",
            profile_code=self.profile_code,
        )

    def _existing(self, client: EciClient) -> ImportProfileResponse | None:
        profiles = client.import_profiles.list()
        return next((profile for profile in profiles if profile.profile_code == self.profile_code), None)

    def _settle(
        self, client: EciClient, existing: ImportProfileResponse, request: ImportProfile
    ) -> tuple[ImportProfileResponse, str]:
        mapping = request.column_mapping
        if existing.has_mapping(mapping):
            # Made by an earlier request of this task, or by somebody who wanted the same.
            return existing, "has this mapping"
        if self.if_exists == "keep":
            return existing, "exists and was kept as it is"
        if self.if_exists == "replace" and existing.profile_id is not None:
            replaced = client.import_profiles.edit(existing.profile_id, self.profile_code, mapping)
            return replaced, "exists; its mapping was replaced"
        raise EciExistsError(
            f"{self.source}: import profile {self.profile_code!r} ({existing.profile_id}) exists. Set if_exists "
            "to 'keep' to use it as it is or to 'replace' to give it this mapping, or choose another "
            "profile_code.",
            profile_id=existing.profile_id,
            profile_code=self.profile_code,
        )
