"""Error classes of the API; each error carries as data what a person or a retry policy needs to decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eci_provider.core.errors import EciError as EciError
from eci_provider.core.errors import EciStoreError as EciStoreError
from eci_provider.core.errors import EciValidationError as EciValidationError


class EciConnectionError(EciError):
    """
    No answer arrived.

    :param message: what happened and what to check.
    :param kind: ``dns``, ``unreachable``, ``tls``, ``proxy``, ``proxy_setting``, ``timeout`` or ``reset``.
    :param sent: whether the server may have received the request; a POST that was sent is never resent.
    :param method: the HTTP method.
    :param path: the path, without host and query.
    """

    def __init__(self, message: str, *, kind: str, sent: bool, method: str, path: str) -> None:
        super().__init__(message, kind=kind, sent=sent, method=method, path=path)
        self.kind, self.sent, self.method, self.path = kind, sent, method, path


class EciResponseError(EciError):
    """
    Base class for answers that are not what was asked for.

    :param message: what happened and what to check.
    :param status: the HTTP status.
    :param method: the HTTP method.
    :param path: the path, without host and query.
    :param request_id: the server's name of this request, if it gave one.
    :param retry_after: seconds that the server asks to wait, if it does.
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
    """400 and other 4xx: EnergyCAP refused the request. Sending it again changes nothing."""

    retry_helps = False


class EciAuthenticationError(EciResponseError):
    """401: the key is wrong, was made in another environment, or its owner lacks a permission."""

    retry_helps = False


class EciPermissionError(EciResponseError):
    """403: the key's owner may not do this."""

    retry_helps = False


class EciNotFoundError(EciResponseError):
    """404: not found, or a wrong path."""

    retry_helps = False


class EciRedirectError(EciResponseError):
    """3xx: redirects are never followed, because the key would be sent along."""

    retry_helps = False


class EciRateLimitError(EciResponseError):
    """429: too many requests. ``retry_after`` says how long to wait, if the server did."""


class EciServerError(EciResponseError):
    """A server error (5xx), 408 or 425."""


class EciUnreadableResponseError(EciResponseError):
    """A success whose body is not what the documentation promises."""


class EciUnknownOutcomeError(EciError):
    """
    A request that creates something may or may not have taken effect.

    Check in EnergyCAP before you send it again. The operators check before they send, so a retry of theirs helps
    unless the check cannot decide; ``retry_helps`` is false then.

    :param operation: the operation id, such as ``BillImportV3``.
    """


class EciOutcomeError(EciError):
    """
    Base class for errors about the outcome of an import.

    :param message: what happened and what to do next.
    :param result: the import's result, in the form of its XCom.
    """

    retry_helps = False

    def __init__(self, message: str, *, result: Mapping[str, Any]) -> None:
        super().__init__(message, result=dict(result))
        self.result = dict(result)


class EciImportFailedError(EciOutcomeError):
    """
    An import ended, and its status is not a known success status.

    A retry helps only if the server says that no bill was imported.
    """

    def __init__(self, message: str, *, result: Mapping[str, Any]) -> None:
        super().__init__(message, result=result)
        self.retry_helps = result.get("imported") == 0 and result.get("voided", 0) == 0


class EciKickoutsError(EciOutcomeError):
    """Rows were kicked out and ``on_kickouts`` is ``fail``. Sending the file again does not help."""


class EciVoidedError(EciOutcomeError):
    """An import ended, and all its bills are void because a kill set its batch Pending."""


class EciRemovedError(EciOutcomeError):
    """An import ended, and its bills were deleted with their batch (DeleteBatchV3)."""


class EciWaitTimeoutError(EciError):
    """
    A wait reached its limit before EnergyCAP was done.

    :param message: what happened and what to do next.
    :param ended_by: which limit: ``timeout``, the wait's own deadline, which a retry does not move; or
        ``execution_timeout``, Airflow's limit for one try, after which a retry reattaches and continues to wait.
    :param details: ``task_guid`` of the import waited for; ``batch_id`` and ``batch_code`` of the batch waited for
        or of the import's batch; ``status`` at the last poll; ``deadline`` in ISO 8601.
    """

    retry_helps = False
    ended_by: str = "timeout"

    def __init__(self, message: str, *, ended_by: str = "timeout", **details: Any) -> None:
        super().__init__(message, ended_by=ended_by, **details)
        self.ended_by = ended_by
        self.retry_helps = ended_by == "execution_timeout"


class EciTriggerError(EciError):
    """
    A wait in the triggerer ended early, while EnergyCAP works on.

    Its details: ``task_guid`` of the import waited for; ``batch_id`` and ``batch_code`` of the batch waited for or
    of the import's batch; ``status`` at the last poll, None if that failed; ``said``, Airflow's own message.
    """


class EciNotCarriedOutError(EciError):
    """EnergyCAP answered a change with success, but the change did not happen."""


class EciExistsError(EciError):
    """What was to be created exists already, and ``if_exists`` does not allow to use it."""

    retry_helps = False
