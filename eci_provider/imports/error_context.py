"""What the errors of an import say that only its task knows: what is imported, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from eci_provider.api.errors import (
    EciError,
    EciImportFailedError,
    EciUnknownOutcomeError,
    EciValidationError,
    EciWaitTimeoutError,
)
from eci_provider.imports.arguments import ImportArguments
from eci_provider.imports.source import ImportSource
from eci_provider.runtime.advice import adopt_hint, hints_added, reattach_hint


class ErrorContext:
    """
    Complete the errors of an import: what is imported, as which import, what to do next, whether a retry may run.

    :param arguments: the arguments of the task.
    :param source: what is imported; another round replaces it.
    """

    def __init__(self, arguments: ImportArguments, source: ImportSource) -> None:
        self._arguments = arguments
        self.source = source
        #: The import, once it is known.
        self.task_guid: str | None = None

    @property
    def reattaches(self) -> bool:
        """Return whether a later attempt takes the import of this one; it adopts none but the first round's."""
        if self._arguments.reattach:
            return True
        return self.source.round_number == 1 and self._arguments.adopt_task_guid is not None

    def next_step(self, task_guid: str, error: EciError | None = None) -> str:
        """
        Return what a person does next who wants the import's result.

        :param task_guid: the import.
        :param error: what ended the wait for it; None for what a retry can cure.
        """
        return reattach_hint(error) if self.reattaches else adopt_hint(task_guid, error)

    def twins_step(self, task_guid: str) -> str | None:
        """
        Return what a person does next about an import that EnergyCAP has twice; None for what the error says.

        :param task_guid: the import.
        """
        if self.source.round_number == 1:
            return None
        # A later round adopts no import.
        then = "clear the task" if self._arguments.reattach else "mark the task as success"
        return f"Delete the bills of the others in EnergyCAP, keep those of import {task_guid}, then {then}."

    @contextmanager
    def describing(self, task_guid: str | None = None) -> Iterator[None]:
        """
        Name in every error what is imported, and mark errors as final if a retry would import twice.

        :param task_guid: the import, if it is known already.
        """
        self.task_guid = task_guid
        try:
            yield
        except EciValidationError:
            raise  # it names the argument, and nothing was sent
        except EciError as error:
            raise self._completed(error) from error.__cause__
        except AirflowTaskTimeout as timeout:
            if self.task_guid is None:
                raise
            late = EciWaitTimeoutError(
                f"The `execution_timeout` of this task expired while it worked on import {self.task_guid}. "
                f"{self.next_step(self.task_guid)} Give the task more time.",
                ended_by="execution_timeout",
                task_guid=self.task_guid,
            )
            raise self._completed(late) from timeout

    @contextmanager
    def advising(self, task_guid: str) -> Iterator[None]:
        """
        Say in the errors that end the wait for an import what to do next.

        :param task_guid: the import.
        """
        with hints_added(lambda error: self.next_step(task_guid, error)):
            yield

    def _completed(self, error: EciError) -> EciError:
        """Return an error that names what is imported and as which import, and that is final if it must be."""
        description, known, facts = self.source.description, self.task_guid, error.details
        # An error that names the import has it among its facts; a retry's description names what it retries.
        named = {facts.get("task_guid"), (facts.get("result") or {}).get("task_guid"), *self.source.other_imports}
        missing = [] if known is None or known in named else [f"import {known}"]
        if facts.get("what") != description:
            missing.append(description)
        words = " of ".join(missing)
        lead = f"{words[:1].upper()}{words[1:]}: " if missing else ""
        error = error.copy(f"{lead}{error.message}", **{**facts, "what": description})
        if not self.reattaches and self._may_have_sent(error) and not self._may_resubmit(error):
            error.retry_helps = False
        return error

    def _may_have_sent(self, error: EciError) -> bool:
        """Return whether EnergyCAP may have an import of this attempt."""
        return self.task_guid is not None or isinstance(error, (EciUnknownOutcomeError, EciWaitTimeoutError))

    def _may_resubmit(self, error: EciError) -> bool:
        """Return whether a later attempt may import again; after a first round its bills would be sent twice."""
        return self.source.round_number == 1 and isinstance(error, EciImportFailedError) and error.retry_helps
