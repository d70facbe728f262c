"""Retry an import's kickouts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eci_provider.arguments import is_template
from eci_provider.operators.importing import EciImportOperator

if TYPE_CHECKING:
    from eci_provider.api.bill_imports import KickoutImport
    from eci_provider.api.client import EciClient
    from eci_provider.api.models import RequestModel


class RetryKickoutsOperator(EciImportOperator):
    """
    Import the rows that an import kicked out once more, and wait (ImportBillImportTaskKickoutsV202401).

    The same rows are sent, so correct what the kickout messages name in EnergyCAP first.

    :param task_guid: an import that ended as "Completed with kickouts".
    :param batch_settings: into which batch, in snake_case or the documented camelCase.
    :param import_note: a note on the import.
    :param save_as_resolved: whether failed audits are marked resolved by themselves.
    :param comment: why they are.
    :param kwargs: the waiting arguments of :class:`~eci_provider.operators.importing.EciImportOperator`.
    :return: the result of the new import, see the README.
    """

    request_fields = ("batch_settings", "import_note", "save_as_resolved", "comment")
    template_fields: Sequence[str] = (*EciImportOperator.template_fields, "task_guid")

    def __init__(self, *, task_guid: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.task_guid = task_guid
        self.check_literals()
        if not is_template(task_guid):
            self._checked_guid()

    @staticmethod
    def request_model() -> type[KickoutImport]:
        """Return the model of the request."""
        from eci_provider.api.bill_imports import KickoutImport

        return KickoutImport

    def submit_job(self, client: EciClient, request: RequestModel) -> str:
        """Start the retry and return the task GUID of the new import."""
        source_guid = self._checked_guid()
        task_guid = client.bill_imports.retry_kickouts(source_guid, **dict(request))
        self.log.info("The kickouts of import %s are imported again as import %s.", source_guid, task_guid)
        return task_guid

    def _checked_guid(self) -> str:
        from eci_provider.api.tasks import checked_guid

        return checked_guid(self.task_guid, source=self.source)
