"""Tasks, such as imports that run or have ended. Operations T1, T2 and T4 of the contract."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, ModelWrapValidatorHandler, ValidationError, model_validator
from typing_extensions import Self

from eci_provider.api.batches import UserChild
from eci_provider.api.filters import Filter, where
from eci_provider.api.models import (
    GUIDS,
    Guid,
    Identifier,
    Number,
    RequestModel,
    ResponseModel,
    Text,
    checked,
    plain_guid,
    validated,
)
from eci_provider.api.paging import LARGEST_PAGE, field_list, pages, walk_pages
from eci_provider.api.transport.limits import LARGE_OBJECT, OBJECT
from eci_provider.api.transport.responses import check_subject, fetch
from eci_provider.core.dates import shifted

if TYPE_CHECKING:
    from eci_provider.api.transport.session import EciSession

#: The fields that polling requests: all but `output`, which may be large (GetTaskV3). It is an include list, since
#: how to exclude a field is not documented.
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


def _plain_if_guid(text: str | None) -> str | None:
    """Return a GUID as this package writes it, and another text as it is."""
    return text if text is None else plain_guid(text) or text


def _no_empty_guid(guid: str) -> str:
    """Return a GUID, unless it is .NET's default, which names nothing."""
    if not guid.strip("0-"):
        raise ValueError("must not be all zeros")
    return guid


class TaskType(ResponseModel):
    """The type of a task, such as ``BillImport``."""

    task_type_id: int | None = None
    task_type_code: str | None = None
    task_type_info: str | None = None


class BatchChild(ResponseModel):
    """A batch, as other resources show it."""

    batch_id: Number = None
    batch_code: str | None = None


class TaskResponse(ResponseModel):
    """A task (TaskResponse); ``end_date`` is empty until it has ended, whatever the status says."""

    counts: ClassVar[frozenset[str]] = frozenset(
        {"analyzing_count", "unresolved_flag_count", "current_success_count"}
    )

    task_id: Number = None
    task_guid: Annotated[str | None, AfterValidator(_plain_if_guid)] = Field(default=None, alias="taskGUId")
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
        """Return the documented fields as plain JSON, without the free-form ones, whose size is not bounded."""
        return {name: value for name, value in super().documented().items() if name not in ("output", "settings")}


class _LenientTask(TaskResponse):
    """A task without the fields that cannot be read."""

    @model_validator(mode="wrap")
    @classmethod
    def _drop_unreadable_fields(cls, item: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(item)
        except ValidationError as error:
            faulty = {str(fault["loc"][0]).lower() for fault in error.errors(include_url=False) if fault["loc"]}
            fields = item.items() if isinstance(item, dict) else ()
            return handler({name: value for name, value in fields if name.lower() not in faulty})


class GuidResponse(ResponseModel):
    """The GUID of a new task; the documentation spells it ``taskGUId``."""

    task_guid: Annotated[Guid, AfterValidator(_no_empty_guid)] = Field(alias="taskGUId")


class _TaskNote(RequestModel):
    task_id: Identifier = Field(exclude=True)
    task_note: Text


def checked_guid(task_guid: object, *, source: str, name: str = "task_guid") -> str:
    """
    Return a task's GUID in lower case, checked.

    :param task_guid: the GUID.
    :param source: where it came from, for the message.
    :param name: the name of the argument, for the message.
    :raises EciValidationError: if it is not a UUID.
    """
    return checked(GUIDS, task_guid, name=name, source=source)


def begun_since(since: datetime) -> Filter:
    """
    Return a filter for the tasks that began since a time, and for some earlier ones (GetTasksV3).

    The filter has whole days, one more than needed, since its time zone is not documented.
    Assumption: a task has its ``beginDate`` as soon as it is listed.

    :param since: the time by the server's clock, or by one near it.
    """
    return where("beginDate", "greater than equal", shifted(since, -timedelta(days=1)).date())


class Tasks:
    """
    Read tasks, and set their notes.

    :param session: the session of the client.
    """

    def __init__(self, session: EciSession) -> None:
        self._session = session

    def get(
        self, task_guid: str, *, fields: Sequence[str] | None = POLL_FIELDS, repeat: bool = True
    ) -> TaskResponse:
        """
        Return a task (GetTaskV3).

        :param task_guid: its GUID.
        :param fields: which fields, in the documented spelling; None for all, `output` included.
        :param repeat: false to send the request only once; a poller counts its own failures.
        :raises EciNotFoundError: if there is no such task.
        """
        guid = checked_guid(task_guid, source="tasks.get")
        path = f"/api/v3/task/{guid}"

        def check(task: TaskResponse) -> None:
            check_subject(self._session, guid, task.task_guid or None, operation="GetTaskV3", path=path)

        return fetch(
            self._session,
            TaskResponse,
            "GetTaskV3",
            "GET",
            path,
            params={"field": field_list(fields)},
            repeat=repeat,
            limits=LARGE_OBJECT if fields is None or "output" in fields else OBJECT,
            check=check,
        )

    def list(
        self,
        filter: Filter | str | None = None,
        *,
        task_type_code: str | None = "BillImport",
        fields: Sequence[str] | None = POLL_FIELDS,
        page_size: int = LARGEST_PAGE,
        lenient: bool = False,
        deadline: datetime | None = None,
        max_pages: int | None = None,
    ) -> Iterator[TaskResponse]:
        """
        Iterate over tasks, page by page (GetTasksV3).

        :param filter: which tasks, such as ``where("batchCode", "equals", "2026-03")``.
        :param task_type_code: their type; None for all.
        :param fields: which fields, in the documented spelling; None for all, `output` included.
        :param page_size: tasks a request, 1 to 1000.
        :param lenient: whether a field that cannot be read counts as missing; an error otherwise.
        :param deadline: when to stop reading, whether or not the list has ended; None for no deadline.
        :param max_pages: after how many pages to stop, whether or not the list has ended; None for all.
        :raises EciUnreadableResponseError: if it does not end within 1,000 pages, ten minutes, or by the deadline.
        """
        return pages(
            self._session,
            "GetTasksV3",
            "/api/v3/task",
            _LenientTask if lenient else TaskResponse,
            filter=filter,
            fields=fields,
            page_size=page_size,
            deadline=deadline,
            max_pages=max_pages,
            taskTypeCode=task_type_code,
        )

    def search(
        self, wanted: Container[str], since: datetime, *, max_pages: int, deadline: datetime | None = None
    ) -> Iterator[Sequence[TaskResponse]]:
        """
        Iterate over the pages of the list of bill imports, reading only the wanted imports of each.

        An import that cannot be read is left out. Each page is requested only once.

        :param wanted: the GUIDs, in lower case.
        :param since: when the earliest of them began.
        :param max_pages: after how many pages to stop.
        :param deadline: when to stop, at the latest.
        :return: the wanted imports of each page; a page may have none.
        """
        query = {
            "taskTypeCode": "BillImport",
            "filter": str(begun_since(since)),
            "field": field_list(POLL_FIELDS),
        }
        walk = walk_pages(
            self._session,
            "GetTasksV3",
            "/api/v3/task",
            TaskResponse,
            query,
            lambda item: _read_if_wanted(item, wanted),
            repeat=False,
            deadline=deadline,
        )
        for page in islice(walk, max_pages):
            yield page.items

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
    """Return an item of a list as a task if its GUID is wanted; only then are its other fields read."""
    if not isinstance(item, dict):
        return None
    guid = item.get("taskGUId")
    if guid is None:  # the documentation spells the name in two ways
        guid = next((value for name, value in item.items() if name.lower() == "taskguid"), None)
    if not isinstance(guid, str) or plain_guid(guid) not in wanted:
        return None
    try:
        return TaskResponse.model_validate(item)
    except ValidationError:
        return None
