"""Open a batch; change a batch's status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eci_provider.api.errors import EciNotCarriedOutError
from eci_provider.batches.status import change_status
from eci_provider.operators.base import EciOperator
from eci_provider.runtime.arguments import check_choice, is_template
from eci_provider.submission.models import earliest_start

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from eci_provider.api.batches import BatchCreate, BatchResponse, BatchStatusUpdate
    from eci_provider.api.client import EciClient
    from eci_provider.hooks.eci import EciHook

#: Under which name the opening lies in Airflow's task state.
OPENING_KEY = "eci_opening"
IF_EXISTS = ("fail", "adopt")


class OpenBatchOperator(EciOperator):
    """
    Open a batch that bills are then imported into (OpenBatchV3).

    :param batch_code: its code, 1 to 255 characters, unique in EnergyCAP.
    :param close_existing_batch: whether the key owner's other open batches are closed first.
    :param statement_date: default for its bills, ISO 8601, as are the next two.
    :param due_date: default for its bills.
    :param next_reading: default for its bills.
    :param control_code: default for its bills, at most 255 characters.
    :param invoice_number: default for its bills, at most 255 characters.
    :param account_period_number: default for its bills.
    :param account_period_year: default for its bills, 1900 to 2099.
    :param note: at most 255 characters.
    :param if_exists: what to do about an open batch of that code: ``fail``, or ``adopt`` it as it is, whoever
        opened it and whatever its dates and note. One that an earlier try of this task opened is adopted
        either way.
    :param eci_conn_id: the Airflow connection.
    :return: the batch as a dict in snake_case: ``batch_id``, ``batch_code``, ``batch_status`` and so on. Its
        number is also an XCom of its own, for ``open_batch.output["batch_id"]``.
    """

    request_fields = (
        "batch_code",
        "close_existing_batch",
        "statement_date",
        "due_date",
        "next_reading",
        "control_code",
        "invoice_number",
        "account_period_number",
        "account_period_year",
        "note",
    )
    template_fields: Sequence[str] = ("eci_conn_id", *request_fields, "if_exists")

    def __init__(
        self,
        *,
        batch_code: str,
        close_existing_batch: bool | None = None,
        statement_date: str | None = None,
        due_date: str | None = None,
        next_reading: str | None = None,
        control_code: str | None = None,
        invoice_number: str | None = None,
        account_period_number: int | None = None,
        account_period_year: int | None = None,
        note: str | None = None,
        if_exists: str = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.batch_code = batch_code
        self.close_existing_batch = close_existing_batch
        self.statement_date = statement_date
        self.due_date = due_date
        self.next_reading = next_reading
        self.control_code = control_code
        self.invoice_number = invoice_number
        self.account_period_number = account_period_number
        self.account_period_year = account_period_year
        self.note = note
        self.if_exists = if_exists
        self.check_literals()
        check_choice("if_exists", if_exists, IF_EXISTS, source=self.source)

    @staticmethod
    def request_model() -> type[BatchCreate]:
        """Return the model of the request."""
        from eci_provider.api.batches import BatchCreate

        return BatchCreate

    def perform(self, context: Context, hook: EciHook) -> dict[str, Any]:
        """Open the batch, or adopt the one that has its code."""
        from eci_provider.batches.open import BatchOpener
        from eci_provider.submission.record import TaskMemory

        request = self.checked_request()
        check_choice("if_exists", self.if_exists, IF_EXISTS, source=self.source)
        batch, how = BatchOpener(
            hook.get_conn(),
            dict(request),
            adopts=self.if_exists == "adopt",
            is_later_attempt=context["ti"].try_number > 1,
            earliest_start=earliest_start(context),
            memory=TaskMemory(context, OPENING_KEY),
            settle_time=hook.settings.settle_time,
            source=self.source,
        ).open_or_adopt()
        self.log.info("Batch %r (%s) is %s: it was %s.", batch.batch_code, batch.batch_id, batch.batch_status, how)
        self.show_link(context, hook, batch_id=batch.batch_id, batch_code=batch.batch_code)
        context["ti"].xcom_push(key="batch_id", value=batch.batch_id)
        return batch.documented()


class UpdateBatchStatusOperator(EciOperator):
    """
    Open, suspend or close a batch (UpdateBatchStatusV202206); a batch that has the status already is left alone.

    ``Open`` un-voids the bills of a pending batch, ``Pending`` voids those of an open one, ``Closed`` takes
    either. Assumption: Closed is final, since no way back is documented.

    :param batch_id: the batch.
    :param batch_status: ``Open``, ``Pending`` or ``Closed``, case sensitive.
    :param note: at most 255 characters; None leaves the note as it is, "" clears it.
    :param leave_open_batches_as_is: false sets the key owner's other open batches Pending when one is opened.
    :param eci_conn_id: the Airflow connection.
    :return: the batch after the change, as a dict in snake_case.
    """

    request_fields = ("batch_status", "note", "leave_open_batches_as_is")
    template_fields: Sequence[str] = ("eci_conn_id", "batch_id", *request_fields)

    def __init__(
        self,
        *,
        batch_id: int,
        batch_status: str,
        note: str | None = None,
        leave_open_batches_as_is: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.batch_id = batch_id
        self.batch_status = batch_status
        self.note = note
        self.leave_open_batches_as_is = leave_open_batches_as_is
        self.check_literals()
        if not is_template(batch_id):
            self._checked_batch_id()

    @staticmethod
    def request_model() -> type[BatchStatusUpdate]:
        """Return the model of the request."""
        from eci_provider.api.batches import BatchStatusUpdate

        return BatchStatusUpdate

    def perform(self, context: Context, hook: EciHook) -> dict[str, Any]:
        """Change the status unless the batch has it already, and read the batch again."""
        request = self.checked_request()
        batch_id = self._checked_batch_id()
        client = hook.get_conn()
        before = client.batches.get(batch_id)
        self.show_link(context, hook, batch_id=batch_id, batch_code=before.batch_code)
        if before.has_status(self.batch_status):
            self.log.info("Batch %r (%s) is %s already.", before.batch_code, batch_id, before.batch_status)
            return before.documented()
        after = self._change(client, batch_id, dict(request))
        self.log.info(
            "Batch %r (%s) was %s and is %s: %s bills, total %s.",
            after.batch_code,
            batch_id,
            before.batch_status,
            after.batch_status,
            after.bill_count,
            after.running_total,
        )
        return after.documented()

    def _checked_batch_id(self) -> int:
        from eci_provider.api.batches import checked_batch_id

        return checked_batch_id(self.batch_id, source=self.source)

    def _change(self, client: EciClient, batch_id: int, fields: dict[str, Any]) -> BatchResponse:
        batch = change_status(client, batch_id, **fields)
        if not batch.has_status(self.batch_status):
            raise EciNotCarriedOutError(
                f"{self.source}: EnergyCAP took the change of batch {batch_id} to {self.batch_status}, but it "
                f"is {batch.batch_status}. Look at it in EnergyCAP.",
                batch_id=batch_id,
                batch_status=batch.batch_status,
            )
        return batch
