"""A field of a new batch is everywhere where a DAG's author, a type checker or EnergyCAP looks for it."""

from __future__ import annotations

from typing import get_type_hints

from eci_provider.api.batches import BatchCreate, BatchFields
from eci_provider.operators import OpenBatchOperator
from eci_provider.sandbox.validation import BATCH_CREATE


def test_the_operator_takes_each_field_of_a_new_batch() -> None:
    assert set(OpenBatchOperator.request_fields) == set(BatchCreate.model_fields)


def test_type_checkers_know_each_optional_field_of_a_new_batch() -> None:
    assert set(get_type_hints(BatchFields)) == set(BatchCreate.model_fields) - {"batch_code"}


def test_the_sandbox_knows_each_field_of_a_new_batch() -> None:
    assert _camel_case(BatchCreate) <= set(BATCH_CREATE)


def _camel_case(model: type[BatchCreate]) -> set[str]:
    words = (name.split("_") for name in model.model_fields)
    return {first + "".join(word.title() for word in rest) for first, *rest in words}
