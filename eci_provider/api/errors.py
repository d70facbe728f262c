"""What can go wrong, as data: every error carries what a person or a retry policy needs to decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eci_provider.core.errors import EciError as EciError
from eci_provider.core.errors import EciStoreError as EciStoreError
from eci_provider.core.errors import EciValidationError as EciValidationError


class EciConnectionError(EciError):
    """
    Tell that no answer arrived.

    :param kind: ``dns``, ``unreachable``, ``tls``, ``proxy``, ``proxy_setting``, ``timeout`` or ``reset``.
    :param sent: whether the server may have received the request; a POST that was sent is never repeated.
    """

    def __init__(self, message: str, *, kind: str, sent: bool, method: str, path: str) -> None:
        super().__init__(message, kind=kind, sent=sent, method=method, path=path)
        self.kind, self.sent, self.method, self.path = kind, sent, method, path


class EciResponseError(EciError):
    """
    Tell that EnergyCAP answered, but not with what was asked for.

    :param status: the HTTP status.
    :param method: the HTTP method.
    :param path: the path, without host and query.
    :param request_id: what the server calls this request, if it said so.
    :param retry_after: seconds the server asks to wait, if it said so.
    :param body: an excerpt of the answer's body, at most 500 characters, without the key.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        method: str,
        path: str,
        request_id: str | None = None,
        retry_after: float | None = None,
        body: str = "",
    ) -> None:
        super().__init__(
            message,
            status=status,
            method=method,
            path=path,
            request_id=request_id,
            retry_after=retry_after,
            body=body,
        )
        self.status, self.method, self.path = status, method, path
        self.request_id, self.retry_after, self.body = request_id, retry_after, body


class EciBadRequestError(EciResponseError):
    """Tell that EnergyCAP refused the request itself (400 and other 4xx); sending it again changes nothing."""

    retry_helps = False


class EciAuthenticationError(EciResponseError):
    """Tell of a 401: the key is wrong, belongs elsewhere, or its owner lacks a permission (Authentication)."""

    retry_helps = False


class EciPermissionError(EciResponseError):
    """Tell of a 403: the request was understood and refused."""

    retry_helps = False


class EciNotFoundError(EciResponseError):
    """Tell of a 404: no such thing, or a wrong path."""

    retry_helps = False


class EciRedirectError(EciResponseError):
    """Tell of a 3xx: redirects are never followed, since the key would travel along."""

    retry_helps = False


class EciRateLimitError(EciResponseError):
    """Tell of a 429: too many requests; ``retry_after`` says when to come back, if the server did."""


class EciServerError(EciResponseError):
    """Tell of a 5xx, 408 or 425: trouble on the server's side, or none but bad timing."""


class EciUnreadableResponseError(EciResponseError):
    """Tell that a success status came with a body that is not what the documentation promises."""


class EciUnknownOutcomeError(EciError):
    """
    Tell that a request which creates something may or may not have taken effect.

    Do not send it again before you have looked. The operators look before they act, so a retry of theirs helps
    unless looking cannot tell; ``retry_helps`` is false then.

    :param operation: the operation id, such as ``BillImportV3``.
    """


class EciOutcomeError(EciError):
    """
    Be the base of errors about what became of an import.

    :param result: the import's result, in the form of its XCom.
    """

    retry_helps = False

    def __init__(self, message: str, *, result: Mapping[str, Any]) -> None:
        super().__init__(message, result=dict(result))
        self.result = dict(result)


class EciImportFailedError(EciOutcomeError):
    """
    Tell that an import ended and its status does not stand for success.

    Only when the server says that it imported nothing can sending the file again be right.
    """

    def __init__(self, message: str, *, result: Mapping[str, Any]) -> None:
        super().__init__(message, result=result)
        self.retry_helps = result.get("imported") == 0 and result.get("voided", 0) == 0


class EciKickoutsError(EciOutcomeError):
    """Tell that rows were kicked out and ``on_kickouts`` is ``fail``; sending the file again cannot help."""


class EciVoidedError(EciOutcomeError):
    """Tell that an import ended, but all its bills are void, since a kill set its batch Pending."""


class EciRemovedError(EciOutcomeError):
    """Tell that an import ended, and that its bills were deleted with their batch (DeleteBatchV3)."""


class EciWaitTimeoutError(EciError):
    """
    Tell that time ran out while something was still going on in EnergyCAP.

    :param ended_by: which limit it was: ``timeout``, the wait's own deadline, which a retry cannot move; or
        ``execution_timeout``, Airflow's limit for one try, after which a retry reattaches and goes on waiting.
    :param task_guid: the import waited for, if it was one.
    :param batch_id: the batch waited for, or the import's, if it showed one; so ``batch_code``.
    :param status: what EnergyCAP called it at the last look.
    :param deadline: when it was over, in ISO 8601.
    """

    retry_helps = False
    ended_by: str = "timeout"

    def __init__(self, message: str, *, ended_by: str = "timeout", **details: Any) -> None:
        super().__init__(message, ended_by=ended_by, **details)
        self.ended_by = ended_by
        self.retry_helps = ended_by == "execution_timeout"


class EciTriggerError(EciError):
    """
    Tell that the wait in the triggerer broke off, and that what was waited for goes on in EnergyCAP.

    :param task_guid: the import waited for, if it was one.
    :param batch_id: the batch waited for, or the import's, if it showed one; so ``batch_code``.
    :param status: what EnergyCAP called it at the last look; None where that failed.
    :param said: what Airflow said about it.
    """


class EciNotCarriedOutError(EciError):
    """Tell that EnergyCAP answered a change with success, and that it has not taken place."""


class EciExistsError(EciError):
    """Tell that what was to be created exists already and ``if_exists`` does not allow to take it."""

    retry_helps = False
