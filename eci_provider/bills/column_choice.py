"""How an operator knows a bill file's columns: by a profile, by a column mapping, or as Advanced format."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator
from typing_extensions import Self

from eci_provider.api.column_mapping import ColumnMapping
from eci_provider.api.models import READ_TEXT, RequestModel


class ColumnChoice(RequestModel):
    """An import profile or a column mapping; neither means Advanced format."""

    profile_code: Annotated[str, Field(min_length=1, max_length=64), READ_TEXT] | None = None
    column_mapping: ColumnMapping | None = None

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        if self.profile_code is not None and self.column_mapping is not None:
            raise ValueError("profile_code and column_mapping are both given: must be one of them")
        return self
