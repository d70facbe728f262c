"""What the errors of an import tell that its task alone knows: what is imported, and how to go on with it."""

from __future__ import annotations

from abc import abstractmethod
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
from eci_provider.operators.reporting import EciReportingOperator
from eci_provider.runtime.advice import adopt_hint, hints_added, reattach_hint


class EciTellingOperator(EciReportingOperator):
    """Be the base of operators whose errors say which import they are about, and what a later try does."""

    #: The import that this process is about, once it is known.
    _task_guid: str | None = None

    @abstractmethod
    def what(self) -> str:
        """Return what is imported, for messages, such as ``file 'bills.csv'``."""

    @property
    def finds_its_import(self) -> bool:
        """Tell whether a later try takes the import that this one has started, and sends nothing."""
        return True

    def may_be_sent_again(self, error: EciError) -> bool:
        """
        Tell whether nothing is there twice if a later try imports again.

        :param error: what this try ends with, its import being known.
        """
        return isinstance(error, EciImportFailedError) and error.retry_helps

    def how_to_go_on(self, task_guid: str, error: EciError | None = None) -> str:
        """
        Return what a person does next who wants the import's result.

        :param task_guid: the import.
        :param error: what ended the wait for it; None for what a retry can cure.
        """
        return reattach_hint(error) if self.finds_its_import else adopt_hint(task_guid, error)

    @contextmanager
    def telling(self, task_guid: str | None = None) -> Iterator[None]:
        """
        Say in every error what is imported, and let none be retried whose retry would import it again.

        :param task_guid: the import, if it is known already.
        """
        self._task_guid = task_guid
        try:
            yield
        except EciValidationError:
            raise  # it says whose arguments are wrong, and nothing was sent
        except EciError as error:
            raise self._completed(error) from error.__cause__
        except AirflowTaskTimeout as timeout:
            if self._task_guid is None:
                raise
            late = EciWaitTimeoutError(
                f"The `execution_timeout` of this task was over while it saw to import {self._task_guid}. "
                f"{self.how_to_go_on(self._task_guid)} Leave the task more time.",
                ended_by="execution_timeout",
                task_guid=self._task_guid,
            )
            raise self._completed(late) from timeout

    @contextmanager
    def waiting_for(self, task_guid: str) -> Iterator[None]:
        """
        Say in errors that end the wait for an import how to go on with it.

        :param task_guid: the import.
        """
        with hints_added(lambda error: self.how_to_go_on(task_guid, error)):
            yield

    def _completed(self, error: EciError) -> EciError:
        """Return an error that names what is imported and as which import, and that is final if it must be."""
        what, known = self.what(), self._task_guid
        said = error.message.casefold()
        missing = [] if known is None or known.casefold() in f"{said} {what.casefold()}" else [f"import {known}"]
        if what.casefold() not in said:
            missing.append(what)
        words = " of ".join(missing)
        lead = f"{words[:1].upper()}{words[1:]}: " if missing else ""
        error = error.copy(f"{lead}{error.message}", **{"what": what, **error.details})
        if not self.finds_its_import and self._may_have_sent(error) and not self.may_be_sent_again(error):
            error.retry_helps = False
        return error

    def _may_have_sent(self, error: EciError) -> bool:
        """Tell whether EnergyCAP may have an import of this try."""
        return self._task_guid is not None or isinstance(error, (EciUnknownOutcomeError, EciWaitTimeoutError))
