"""Open a batch; change a batch's status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from eci_provider.core.text import LONGEST_CODE, shown
from eci_provider.links import show_link
from eci_provider.operators.base import EciOperator
from eci_provider.runtime.context import earliest_start, push_outputs
from eci_provider.runtime.readers import Reader, batch_id, choice, optional, switch
from eci_provider.submission.record import TaskMemory

if TYPE_CHECKING:
    from datetime import date

    from airflow.providers.common.compat.sdk import Context, XComArg
    from typing_extensions import Unpack

    from eci_provider.api.batches import BatchCreate, BatchStatusUpdate
    from eci_provider.hooks.eci import EciHook
    from eci_provider.runtime.operator_arguments import OperatorArguments
    from eci_provider.runtime.task_output import TaskOutput

IF_EXISTS = ("fail", "adopt")


class OpenBatchOperator(EciOperator):
    """
    Open a batch for bills (OpenBatchV3).

    .. code-block:: python

        open_batch = OpenBatchOperator(task_id="open_batch", batch_code="Bills {{ params.month }}")
        batch_settings = {
            "batch_mode": "use existing batch",
            "existing_open_batch_id": open_batch.output["batch_id"],
        }

    :param batch_code: the code of the batch, 1 to 255 characters, unique in EnergyCAP. Templated.
    :param close_existing_batch: whether the other open batches of the key's owner are closed first. Default:
        EnergyCAP's. Templated.
    :param statement_date: the statement date of bills that have none, in ISO 8601. Default: none. Templated.
    :param due_date: the due date of bills that have none, in ISO 8601. Default: none. Templated.
    :param next_reading: the next reading date of bills that have none, in ISO 8601. Default: none. Templated.
    :param control_code: the control code of bills that have none, at most 255 characters. Default: none.
        Templated.
    :param invoice_number: the invoice number of bills that have none, at most 255 characters. Default: none.
        Templated.
    :param account_period_number: the number of the accounting period of bills that have none. Default: none.
        Templated.
    :param account_period_year: the year of the accounting period of bills that have none, 1900 to 2099. Default:
        none. Templated.
    :param note: a note on the batch, at most 255 characters. Default: none. Templated.
    :param if_exists: what to do if an open batch has the code: ``"fail"``, or ``"adopt"`` the batch as it is,
        whoever opened it and whatever its dates and note are. A batch that an earlier attempt of this task opened
        is adopted in either case. Default: ``"fail"``. Templated.
    :param eci_conn_id: the Airflow connection. Default: ``"eci_default"``. Templated.
    :param kwargs: Airflow's own arguments, such as ``task_id`` and ``retries``.
    :return: the batch as a dict in snake_case: ``batch_id``, ``batch_code``, ``batch_status`` and so on.
        ``.output["batch_id"]`` and ``.output["batch_code"]`` pass a part of it on.
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
    readers: ClassVar[Mapping[str, Reader]] = {
        "close_existing_batch": optional(switch),
        "if_exists": choice(IF_EXISTS),
    }

    output_keys: ClassVar[tuple[str, ...]] = ("batch_id", "batch_code")
    output: TaskOutput[Literal["batch_id", "batch_code"]]

    def __init__(
        self,
        *,
        batch_code: str | XComArg,
        close_existing_batch: bool | str | XComArg | None = None,
        statement_date: str | date | XComArg | None = None,
        due_date: str | date | XComArg | None = None,
        next_reading: str | date | XComArg | None = None,
        control_code: str | XComArg | None = None,
        invoice_number: str | XComArg | None = None,
        account_period_number: int | str | XComArg | None = None,
        account_period_year: int | str | XComArg | None = None,
        note: str | XComArg | None = None,
        if_exists: Literal["fail", "adopt"] | XComArg = "fail",
        eci_conn_id: str | XComArg = "eci_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(eci_conn_id=eci_conn_id, **kwargs)
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

    @staticmethod
    def request_model() -> type[BatchCreate]:
        """Return the model of the request."""
        from eci_provider.api.batches import BatchCreate

        return BatchCreate

    def perform(self, context: Context, hook: EciHook) -> dict[str, Any]:
        """Open the batch, or adopt the one that has its code."""
        from eci_provider.batches.open import OPENING_KEY, BatchOpener

        values, request = self.read(), self.checked_request()
        batch, how = BatchOpener(
            hook.get_conn(),
            dict(request),
            adopts=values["if_exists"] == "adopt",
            is_later_attempt=context["ti"].try_number > 1,
            earliest_start=earliest_start(context),
            memory=TaskMemory(context, OPENING_KEY),
            settle_time=hook.settings.settle_time,
            source=self.source,
        ).open_or_adopt()
        code, status = shown(batch.batch_code, LONGEST_CODE), shown(batch.batch_status)
        self.log.info("Batch %r (%s) is %s: it was %s.", code, batch.batch_id, status, how)
        show_link(self, context, hook, batch_id=batch.batch_id, batch_code=batch.batch_code)
        push_outputs(context, batch_id=batch.batch_id, batch_code=code)
        return batch.documented()


class UpdateBatchStatusOperator(EciOperator):
    """
    Open, suspend or close a batch (UpdateBatchStatusV202206); a batch that has the status already is left alone.

    ``Open`` makes the bills of a Pending batch count again, ``Pending`` voids those of an open one, ``Closed``
    closes either. Assumption: Closed is final, since no way back is documented.

    .. code-block:: python

        UpdateBatchStatusOperator(
            task_id="close_batch", batch_id=open_batch.output["batch_id"], batch_status="Closed"
        )

    :param batch_id: the number of the batch. Templated.
    :param batch_status: ``"Open"``, ``"Pending"`` or ``"Closed"``, case sensitive. Templated.
    :param note: the batch's new note, at most 255 characters; "" removes it. Default: None, the note stays.
        Templated.
    :param leave_open_batches_as_is: whether the other open batches of the key's owner stay open when one is
        opened; with False they become Pending. Default: False. Templated.
    :param eci_conn_id: the Airflow connection. Default: ``"eci_default"``. Templated.
    :param kwargs: Airflow's own arguments, such as ``task_id`` and ``retries``.
    :return: the batch after the change, as a dict in snake_case: ``batch_id``, ``batch_code``, ``batch_status``
        and so on. ``.output["batch_id"]`` and ``.output["batch_code"]`` pass a part of it on.
    """

    request_fields = ("batch_status", "note", "leave_open_batches_as_is")
    template_fields: Sequence[str] = ("eci_conn_id", "batch_id", *request_fields)
    readers: ClassVar[Mapping[str, Reader]] = {"batch_id": batch_id, "leave_open_batches_as_is": switch}

    output_keys: ClassVar[tuple[str, ...]] = ("batch_id", "batch_code")
    output: TaskOutput[Literal["batch_id", "batch_code"]]

    def __init__(
        self,
        *,
        batch_id: int | str | XComArg,
        batch_status: Literal["Open", "Pending", "Closed"] | XComArg,
        note: str | XComArg | None = None,
        leave_open_batches_as_is: bool | str | XComArg = False,
        eci_conn_id: str | XComArg = "eci_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(eci_conn_id=eci_conn_id, **kwargs)
        self.batch_id = batch_id
        self.batch_status = batch_status
        self.note = note
        self.leave_open_batches_as_is = leave_open_batches_as_is
        self.check_literals()

    @staticmethod
    def request_model() -> type[BatchStatusUpdate]:
        """Return the model of the request."""
        from eci_provider.api.batches import BatchStatusUpdate

        return BatchStatusUpdate

    def perform(self, context: Context, hook: EciHook) -> dict[str, Any]:
        """Change the status unless the batch has it already, and read the batch again."""
        from eci_provider.batches.status import ensure_status
        from eci_provider.waiting.late_batches import settled_batch

        batch_id = self.read()["batch_id"]
        request, client = dict(self.checked_request()), hook.get_conn()
        before = settled_batch(client, batch_id, hook.settings.settle_time)
        show_link(self, context, hook, batch_id=batch_id, batch_code=before.batch_code)
        batch = ensure_status(
            client, before, batch_id, settle_time=hook.settings.settle_time, source=self.source, **request
        )
        push_outputs(context, batch_id=batch_id, batch_code=shown(batch.batch_code, LONGEST_CODE))
        return batch.documented()
