"""Settings of a sandbox, which a test may change while the server runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

CHOICES: dict[str, tuple[Any, ...]] = {
    "error_handling": ("ProcessValidBills", "MarkBatchPending"),
    "batch_visible": ("at_once", "at_end"),
    "notes_visible": ("at_once", "at_end"),
    "error_format": ("json", "json_string", "text", "html"),
    "permission_status": (401, 403),
    "total_pages": ("right", "one", "missing", "huge"),
}


def _statuses() -> dict[str, str]:
    # Assumption: only "Completed with kickouts" is documented; the other texts are guesses.
    return {
        "running": "In progress",
        "completed": "Completed",
        "kickouts": "Completed with kickouts",
        "failed": "Failed",
    }


@dataclass
class Settings:
    """
    Settings of a sandbox; assign to them at any time.

    :param delay: seconds from an import's submission to its end (clock of the sandbox).
    :param analysis: seconds from an import's end until ``analyzingCount`` is 0.
    :param error_handling: what kickouts do to the batch: ``ProcessValidBills`` or ``MarkBatchPending``.
    :param bill_capture: whether the organisation uses Bill Capture, which forces ``MarkBatchPending``.
    :param echo_notes: whether a task shows ``importNote`` as its ``taskNote``.
    :param notes_visible: when it shows the note: ``at_once`` or ``at_end``.
    :param statuses: texts for the statuses ``running``, ``completed``, ``kickouts`` and ``failed``.
    :param batch_visible: when a task shows its batch: ``at_once`` or ``at_end``.
    :param running_end_date: text that a running task shows as its ``endDate``, such as "0001-01-01T00:00:00";
        null if None.
    :param task_lag: seconds from a task's creation in which reads of it are answered with 404.
    :param batch_lag: the same for a batch.
    :param lagging_reads: number of reads of a new task, and of a new batch, that are answered with 404.
    :param lists_lag: whether lists leave out a task or batch as long as reads of it are answered with 404; each
        such list counts as a read.
    :param largest_page: most records on a page of a list, whatever the request says.
    :param total_pages: what the ``TotalPages`` header of a list says: the ``right`` number, ``one``, 999999999
        (``huge``), or there is none (``missing``).
    :param utc_offset: hours that the times of batches and tasks are ahead of UTC.
    :param show_zone: whether these times end with their zone.
    :param guid_key: key of the GUID in GuidResponse and TaskResponse.
    :param deprecated: text of the ``ECI-Deprecated`` header by path or fnmatch pattern.
    :param output_bytes: size of a filler in a task's ``output``, to find out who downloads it.
    :param failure_message: message of an import that :meth:`Sandbox.fail_next_import` fails without one.
    :param permission_status: status for a missing permission: 401 or 403.
    :param error_format: format of errors: ``json``, ``json_string``, ``text`` or ``html``.
    :param strict_content_type: whether a request without ``Content-Type: application/json`` is answered with 415.
    :param lenient_put: whether any client may omit "Required (defined)" keys, and not only the SDK of 2023.
    :param environment_name: environment that ``/api/v3/me`` shows.
    :param application_mode: mode that ``/api/v3/me`` shows: ``Online`` or ``Offline``.
    """

    delay: float = 0.0
    analysis: float = 0.0
    error_handling: str = "ProcessValidBills"
    bill_capture: bool = False
    echo_notes: bool = True
    notes_visible: str = "at_once"
    statuses: dict[str, str] = field(default_factory=_statuses)
    batch_visible: str = "at_once"
    running_end_date: str | None = None
    task_lag: float = 0.0
    batch_lag: float = 0.0
    lagging_reads: int = 0
    lists_lag: bool = False
    largest_page: int = 1000
    total_pages: str = "right"
    utc_offset: float = 0.0
    show_zone: bool = True
    guid_key: str = "taskGUId"
    deprecated: dict[str, str] = field(default_factory=dict)
    output_bytes: int = 0
    failure_message: str = "The import could not be completed."
    permission_status: int = 403
    error_format: str = "json"
    strict_content_type: bool = True
    lenient_put: bool = False
    environment_name: str = "Sandbox"
    application_mode: str = "Online"

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _FIELD_TYPES:
            raise AttributeError(f"unknown setting {name!r}; known: {', '.join(sorted(_FIELD_TYPES))}")
        if name in CHOICES and value not in CHOICES[name]:
            raise ValueError(f"{name} must be one of {CHOICES[name]}, not {value!r}")
        if name == "statuses":
            value = _statuses() | dict(value)
        super().__setattr__(name, value)

    def update(self, values: dict[str, Any]) -> None:
        """
        Change several settings. If one is wrong, none is changed.

        :raises ValueError: for an unknown name, or a value of the wrong type.
        """
        for name, value in values.items():
            kind = _FIELD_TYPES.get(name)
            if kind is None:
                raise ValueError(f"unknown setting {name!r}")
            if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
                raise ValueError(f"{name}: unexpected value {value!r}")
            if name in CHOICES and value not in CHOICES[name]:
                raise ValueError(f"{name} must be one of {CHOICES[name]}, not {value!r}")
        for name, value in values.items():
            setattr(self, name, value)

    @property
    def effective_error_handling(self) -> str:
        """What kickouts do to the batch, Bill Capture considered."""
        return "MarkBatchPending" if self.bill_capture else self.error_handling

    def as_dict(self) -> dict[str, Any]:
        """Return all settings."""
        return asdict(self)


_KINDS: dict[str, Any] = {
    "float": (int, float),
    "int": int,
    "bool": bool,
    "str": str,
    "str | None": (str, type(None)),
}
# Filled after the class is defined. The annotations are strings; any `dict[...]` counts as dict.
_FIELD_TYPES: dict[str, Any] = {entry.name: _KINDS.get(str(entry.type), dict) for entry in fields(Settings)}
