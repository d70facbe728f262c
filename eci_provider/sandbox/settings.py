"""What a test may change about the server while it runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

CHOICES: dict[str, tuple[Any, ...]] = {
    "error_handling": ("ProcessValidBills", "MarkBatchPending"),
    "batch_visible": ("at_once", "at_end"),
    "notes_visible": ("at_once", "at_end"),
    "error_format": ("json", "json_string", "text", "html"),
    "permission_status": (401, 403),
}


def _statuses() -> dict[str, str]:
    # Assumption: only "Completed with kickouts" is documented; the other spellings are guesses.
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

    :param delay: seconds an import takes from its submission to its end (clock of the sandbox).
    :param analysis: seconds after the end over which ``analyzingCount`` falls to 0.
    :param error_handling: ``ProcessValidBills`` or ``MarkBatchPending``, what a kickout does to its batch.
    :param bill_capture: the organisation uses Bill Capture, which forces ``MarkBatchPending``.
    :param echo_notes: whether a task shows ``importNote`` as its ``taskNote``.
    :param notes_visible: whether it does so ``at_once`` or ``at_end``.
    :param statuses: spelling of ``running``, ``completed``, ``kickouts``, ``failed``.
    :param batch_visible: whether a task names its batch ``at_once`` or ``at_end``.
    :param guid_key: spelling of the GUID's key in GuidResponse and TaskResponse.
    :param deprecated: path (or fnmatch pattern) to the text of its ``ECI-Deprecated`` header.
    :param output_bytes: filler in a task's ``output``, to see who downloads it.
    :param failure_message: message of imports failed by :meth:`Sandbox.fail_next_import` without one.
    :param permission_status: 401 or 403 for a missing permission; both occur.
    :param error_format: ``json``, ``json_string``, ``text`` or ``html``.
    :param strict_content_type: answer 415 where ``Content-Type: application/json`` is missing.
    :param lenient_put: tolerate missing "Required (defined)" keys from every client, not only the 2023 SDK.
    :param environment_name: shown by ``/api/v3/me``.
    :param application_mode: ``Online`` or ``Offline``, shown by ``/api/v3/me``.
    """

    delay: float = 0.0
    analysis: float = 0.0
    error_handling: str = "ProcessValidBills"
    bill_capture: bool = False
    echo_notes: bool = True
    notes_visible: str = "at_once"
    statuses: dict[str, str] = field(default_factory=_statuses)
    batch_visible: str = "at_once"
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
            raise AttributeError(f"no setting {name!r}; there are {', '.join(sorted(_FIELD_TYPES))}")
        if name in CHOICES and value not in CHOICES[name]:
            raise ValueError(f"{name} must be one of {CHOICES[name]}, not {value!r}")
        if name == "statuses":
            value = _statuses() | dict(value)
        super().__setattr__(name, value)

    def update(self, values: dict[str, Any]) -> None:
        """
        Change several settings, all or none.

        :raises ValueError: for an unknown name or a value of the wrong kind.
        """
        for name, value in values.items():
            kind = _FIELD_TYPES.get(name)
            if kind is None:
                raise ValueError(f"no setting {name!r}")
            if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
                raise ValueError(f"{name}: unexpected value {value!r}")
            if name in CHOICES and value not in CHOICES[name]:
                raise ValueError(f"{name} must be one of {CHOICES[name]}, not {value!r}")
        for name, value in values.items():
            setattr(self, name, value)

    @property
    def effective_error_handling(self) -> str:
        return "MarkBatchPending" if self.bill_capture else self.error_handling

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


_KINDS: dict[str, Any] = {"float": (int, float), "int": int, "bool": bool, "str": str}
# Filled after the class stands: the annotations are strings, and `dict[...]` is one kind here.
_FIELD_TYPES: dict[str, Any] = {entry.name: _KINDS.get(str(entry.type), dict) for entry in fields(Settings)}
