"""The reference to a task's result that ``task.output`` is, and to the parts of it that are XComs of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from eci_provider.core.errors import EciValidationError
from eci_provider.runtime.context import RETURN_VALUE

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import XComArg
    from airflow.sdk.definitions.xcom_arg import PlainXComArg
else:
    try:
        from airflow.sdk.definitions.xcom_arg import PlainXComArg
    except ImportError:  # Airflow 2
        from airflow.models.xcom_arg import PlainXComArg

_Key = TypeVar("_Key", bound=str)


class TaskOutput(PlainXComArg, Generic[_Key]):
    """
    The result of a task, to be passed on; ``output[key]`` is a part of it.

    A key refers to an XCom of that name only, so operators push what DAGs pass on as XComs of their own.
    Type checkers know these keys, and any other is refused when the DAG is parsed.
    """

    def __getitem__(self, item: _Key) -> XComArg:  # type: ignore[override]
        """
        Return the reference to a part of the result.

        :param item: one of the operator's ``output_keys``.
        :raises EciValidationError: if the operator pushes no XCom of that name.
        """
        operator: Any = self.operator
        # Airflow pushes every key with ``multiple_outputs``, and a user's subclass may push more.
        may_push_more = operator.multiple_outputs or not type(operator).__module__.startswith("eci_provider.")
        if not may_push_more and item not in (*operator.output_keys, RETURN_VALUE):
            keys = ", ".join(f'output["{key}"]' for key in operator.output_keys) or "output as a whole"
            template = f"{{{{ ti.xcom_pull(task_ids='{operator.task_id}')['{item}'] }}}}"
            problem = f'output["{item}"] is no XCom of its own: pass on {keys}; or use "{template}" in a template'
            raise EciValidationError([problem], source=operator.source)
        return super().__getitem__(item)
