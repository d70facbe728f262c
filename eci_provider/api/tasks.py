"""Tasks: what an import is while it runs and after. Operations T1, T2 and T4 of the contract."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import TYPE_CHECKING, Any

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, model_validator
from typing_extensions import Self

from eci_provider.api.batches import UserChild
from eci_provider.api.filters import Filter, where
from eci_provider.api.models import GUIDS, Guid, Identifier, RequestModel, ResponseModel, checked, validated
from eci_provider.api.paging import LARGEST_PAGE, field_list, page_answers, pages
from eci_provider.api.transport.responses import fetch, must_be, read_many

if TYPE_CHECKING:
    from eci_provider.api.transport.session import EciSession

#: What polling asks for: everything but `output`, which may be large (GetTaskV3). The way to exclude a field is
#: not documented, so this is an include list.
POLL_FIELDS = (
    "taskId",
    "taskGUId",
    "taskType",
    "status",
    "message",
    "beginDate",
    "endDate",
    "taskNote",
    "analyzingCount",
    "unresolvedFlagCount",
    "currentSuccessCount",
    "batch",
    "user",
)


class TaskType(ResponseModel):
    """Hold what kind of task it is, such as ``BillImport``."""

    task_type_id: int | None = None
    task_type_code: str | None = None
    task_type_info: str | None = None


class BatchChild(ResponseModel):
    """Hold a batch as other resources show it."""

    batch_id: int | None = None
    batch_code: str | None = None


class TaskResponse(ResponseModel):
    """Hold a task (TaskResponse); ``end_date`` is empty while it is unfinished, whatever the status says."""

    task_id: int | None = None
    task_guid: str | None = Field(default=None, alias="taskGUId")
    task_type: TaskType | None = None
    status: str | None = None
    message: str | None = None
    begin_date: str | None = None
    end_date: str | None = None
    output: Any = None
    settings: Any = None
    task_note: str | None = None
    analyzing_count: int | None = None
    unresolved_flag_count: int | None = None
    current_success_count: int | None = None
    batch: BatchChild | None = None
    user: UserChild | None = None
    has_attachments: bool | None = None

    def documented(self) -> dict[str, Any]:
        """Return the documented fields as plain JSON, without the free-form ones, whose size nothing bounds."""
        return {name: value for name, value in super().documented().items() if name not in ("output", "settings")}


class _LenientTask(TaskResponse):
    """Hold what can be read of a task."""

    @model_validator(mode="wrap")
    @classmethod
    def _without_what_cannot_be_read(cls, item: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(item)
        except ValidationError as error:
            faulty = {str(fault["loc"][0]).lower() for fault in error.errors(include_url=False) if fault["loc"]}
            fields = item.items() if isinstance(item, dict) else ()
            return handler({name: value for name, value in fields if name.lower() not in faulty})


class GuidResponse(ResponseModel):
    """Hold the GUID of a task just made; the documentation spells it ``taskGUId``."""

    task_guid: Guid = Field(alias="taskGUId")


class _TaskNote(RequestModel):
    task_id: Identifier = Field(exclude=True)
    task_note: str


def checked_guid(task_guid: object, *, source: str, name: str = "task_guid") -> str:
    """
    Return a task's GUID in lower case, or refuse it.

    :param task_guid: the GUID.
    :param source: where it came from, for the message.
    :param name: the argument that it was given as, for the message.
    :raises EciValidationError: when it is not a UUID.
    """
    return checked(GUIDS, task_guid, name=name, source=source)


def parse_datetime(text: str) -> datetime:
    """
    Return a date-time of the server as an aware datetime.

    :param text: ISO 8601; without an offset UTC is assumed (the contract does not say).
    """
    utc_spelled_out = re.sub(r"[Zz]$", "+00:00", text)
    # Python 3.10 reads three or six digits of a second's fraction; .NET servers write up to seven.
    six_digits = re.sub(r"\.(\d+)", lambda found: "." + found.group(1)[:6].ljust(6, "0"), utc_spelled_out)
    parsed = datetime.fromisoformat(six_digits)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)


def names_zone(text: str) -> bool:
    """
    Tell whether a date-time of the server says which time zone it is in; without, it may be another one than UTC.

    :param text: ISO 8601.
    """
    return bool(re.search(r"([Zz]|[+-]\d{2}:?\d{2})$", text.strip()))


def begun_since(since: datetime) -> Filter:
    """
    Return the filter for the tasks that began since a moment, and some earlier ones (GetTasksV3).

    Whole days are asked for, one more than needed: which time zone a filter means is not documented.
    Assumption: a task has its ``beginDate`` as soon as it is listed.

    :param since: a moment by the server's clock, or by one that is near it.
    """
    earliest = datetime.min.replace(tzinfo=since.tzinfo) + timedelta(days=1)
    return where("beginDate", "greater than equal", (max(since, earliest) - timedelta(days=1)).date())


class Tasks:
    """
    Read tasks and set their notes.

    :param session: the session of the client.
    """

    def __init__(self, session: EciSession) -> None:
        self._session = session

    def get(
        self, task_guid: str, *, fields: Sequence[str] | None = POLL_FIELDS, repeat: bool = True
    ) -> TaskResponse:
        """
        Read a task (GetTaskV3).

        :param task_guid: its GUID.
        :param fields: which fields, in the documented spelling; None for all, `output` included.
        :param repeat: false to ask once, whatever happens; a poller keeps its own count of failures.
        :raises EciNotFoundError: when there is none.
        """
        guid = checked_guid(task_guid, source="tasks.get")
        path = f"/api/v3/task/{guid}"
        task = fetch(
            self._session,
            TaskResponse,
            "GetTaskV3",
            "GET",
            path,
            params={"field": field_list(fields)},
            repeat=repeat,
        )
        told = task.task_guid.strip("{}").lower() if task.task_guid else None
        must_be(self._session, guid.lower(), told, operation="GetTaskV3", path=path)
        return task

    def list(
        self,
        filter: Filter | str | None = None,
        *,
        task_type_code: str | None = "BillImport",
        fields: Sequence[str] | None = POLL_FIELDS,
        page_size: int = LARGEST_PAGE,
        leniently: bool = False,
    ) -> Iterator[TaskResponse]:
        """
        Iterate over tasks, page by page (GetTasksV3).

        :param filter: which ones, such as ``where("batchCode", "equals", "2026-03")``.
        :param task_type_code: of which kind; None for all.
        :param fields: which fields, in the documented spelling; None for all, `output` included.
        :param page_size: tasks a request, 1 to 1000.
        :param leniently: whether a field that cannot be read counts as missing instead of ending it all.
        """
        return pages(
            self._session,
            "GetTasksV3",
            "/api/v3/task",
            _LenientTask if leniently else TaskResponse,
            filter=filter,
            fields=fields,
            page_size=page_size,
            taskTypeCode=task_type_code,
        )

    def look_out(
        self, wanted: Container[str], since: datetime, *, most_pages: int
    ) -> Iterator[Sequence[TaskResponse]]:
        """
        Iterate over the pages of the list of bill imports, reading of each page those that are wanted.

        An item that cannot be read is left out and harms no other; each page is asked for once, whatever happens.

        :param wanted: the GUIDs, in lower case.
        :param since: when the earliest of them began.
        :param most_pages: after how many pages to stop.
        :return: the wanted ones of each page, of which there may be none.
        """
        query = {
            "taskTypeCode": "BillImport",
            "filter": str(begun_since(since)),
            "field": field_list(POLL_FIELDS),
        }
        path = "/api/v3/task"
        answers = page_answers(self._session, "GetTasksV3", path, query, repeat=False)
        for answer in islice(answers, most_pages):
            if isinstance(answer.data, list):
                yield [task for item in answer.data if (task := _read_if_wanted(item, wanted))]
            else:
                read_many(self._session, TaskResponse, answer, operation="GetTasksV3", path=path)

    def edit_note(self, task_id: int, task_note: str) -> TaskResponse:
        """
        Set a task's note (EditTaskV3).

        :param task_id: the task's number, not its GUID.
        :param task_note: the note.
        """
        request = validated(_TaskNote, {"task_id": task_id, "task_note": task_note}, source="tasks.edit_note")
        path = f"/api/v3/task/{request.task_id}"
        return fetch(self._session, TaskResponse, "EditTaskV3", "PUT", path, body={"taskNote": request.task_note})


def _read_if_wanted(item: Any, wanted: Container[str]) -> TaskResponse | None:
    """Return a list's item as a task if its GUID is wanted; its other fields are read only then."""
    if not isinstance(item, dict):
        return None
    guid = item.get("taskGUId")
    if guid is None:  # the documentation writes the name in two ways
        guid = next((value for name, value in item.items() if name.lower() == "taskguid"), None)
    if not isinstance(guid, str) or guid.lower() not in wanted:
        return None
    try:
        return TaskResponse.model_validate(item)
    except ValidationError:
        return None
