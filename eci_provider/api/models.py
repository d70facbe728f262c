"""Base classes of request and response models: strict with the user, lenient with the server."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from eci_provider.api.errors import EciValidationError
from eci_provider.core.text import did_you_mean, with_shown_texts
from eci_provider.core.values import as_iso_date, as_switch, as_text, as_whole_number, plain

_Model = TypeVar("_Model", bound=BaseModel)
_Value = TypeVar("_Value")
#: RFC 3339, also with a space for the T, as Airflow's templates write times.
_ISO_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,7})?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII)
#: As .NET and Python write it: with or without dashes, in braces or parentheses, as a URN.
_GUID = re.compile(
    r"(?:urn:uuid:)?[{(]?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32})[)}]?",
    re.IGNORECASE,
)


def _whole_number(value: Any) -> Any:
    """Return a whole number, or the text of one as it was written, for a message about its bounds."""
    number = as_whole_number(value)
    return value if isinstance(value, str) else number


def _iso_date_time(value: Any) -> str:
    """Return an ISO 8601 date or date-time as the user wrote it, with a T for the space."""
    value = as_iso_date(value)
    if isinstance(value, str) and _ISO_DATE_TIME.fullmatch(value):
        try:
            # Checks the ranges; Python 3.10 reads neither Z nor a fraction of seven digits.
            datetime.fromisoformat(re.sub(r"\.\d+|Z$", "", value))
        except ValueError:
            pass
        else:
            return value.replace(" ", "T")
    raise ValueError("must be an ISO 8601 date or date-time such as 2026-03-30 or 2026-03-30T00:00:00Z")


def plain_guid(text: str) -> str | None:
    """
    Return a GUID in lower case and with dashes; None for a text that is none.

    :param text: a GUID as a user or EnergyCAP writes it, such as in braces or without dashes.
    """
    found = _GUID.fullmatch(text.strip())
    return str(UUID(found[1])) if found else None


def _guid(value: str) -> str:
    guid = plain_guid(value)
    if guid is None:
        raise ValueError("must be a UUID such as 123e4567-e89b-12d3-a456-426614174000")
    return guid


def known_count(count: int | None) -> int | None:
    """
    Return a count that EnergyCAP gave; None, which is "not known", for one that cannot be.

    :param count: how many there are of something.
    """
    return None if count is None or count < 0 else count


def _possible_number(number: int | None) -> int | None:
    """Return a number that EnergyCAP gave to something; None, which is "not known", for one that cannot be."""
    return number if number is not None and 0 < number < 2**63 else None


#: The number of a batch, a task or a profile in an answer.
Number = Annotated[int | None, AfterValidator(_possible_number)]
#: How a text is read; of an annotation it is the last part, so that errors of the parts before it are about texts.
READ_TEXT = BeforeValidator(as_text)
#: The contract's types, with their bounds.
Text = Annotated[str, READ_TEXT]
Switch = Annotated[bool, BeforeValidator(as_switch)]
Int32 = Annotated[int, BeforeValidator(_whole_number), Field(ge=-(2**31), le=2**31 - 1)]
Identifier = Annotated[int, BeforeValidator(_whole_number), Field(ge=1, le=2**31 - 1)]
Text255 = Annotated[str, Field(max_length=255), READ_TEXT]
Code255 = Annotated[str, Field(min_length=1, max_length=255), READ_TEXT]
IsoDateTime = Annotated[str, BeforeValidator(_iso_date_time)]
Guid = Annotated[Text, AfterValidator(_guid)]


IDENTIFIERS: TypeAdapter[int] = TypeAdapter(Identifier)
GUIDS: TypeAdapter[str] = TypeAdapter(Guid)


class RequestModel(BaseModel):
    """
    Base class for what is sent: camelCase on the wire, and a misspelt field is an error.

    ``always_sent`` names the fields that the documentation calls "Required (defined)": their key is sent even if
    the value is null.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    always_sent: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _plain_values(cls, data: Any) -> Any:
        return {name: plain(value) for name, value in data.items()} if isinstance(data, Mapping) else data

    def wire(self, *, every_key: bool = False) -> dict[str, Any]:
        """
        Return the JSON object to send.

        :param every_key: send null for what was not given, as PUT wants ("all body parameters are required").
        """
        body: dict[str, Any] = {}
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if value is None and not every_key and name not in self.always_sent:
                continue
            body[field.alias or name] = _wire_value(value, every_key=every_key)
        return body


def _wire_value(value: Any, *, every_key: bool) -> Any:
    if isinstance(value, RequestModel):
        return value.wire(every_key=every_key)
    if isinstance(value, (list, tuple)):
        return [_wire_value(item, every_key=every_key) for item in value]
    return value


class ResponseModel(BaseModel):
    """Base class for what is received: unknown keys are kept, missing ones are None."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow")

    #: The fields with a number of things, of which there cannot be less than none.
    counts: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _any_case(cls, data: Any) -> Any:
        """Accept documented keys in any case, because the server writes both taskGUId and taskGuid."""
        if not isinstance(data, Mapping):
            return data
        known = _aliases(cls)
        if known.issuperset(data):
            return data
        spelling = {alias.lower(): alias for alias in known}
        return {
            key if key in known or not isinstance(key, str) else _spelled(key, spelling, data): value
            for key, value in data.items()
        }

    def documented(self) -> dict[str, Any]:
        """
        Return the documented fields as plain JSON in snake_case that can be stored, with long texts cut.

        Other fields are left out, so the size is bounded whatever the server sends. Impossible counts are None.
        """
        values = {name: getattr(self, name) for name in type(self).model_fields}
        values |= {name: known_count(values[name]) for name in self.counts}
        return {name: _bounded(value) for name, value in values.items()}


@cache
def _aliases(model: type[ResponseModel]) -> frozenset[str]:
    """Return the documented names of a model's fields; every poll asks for them."""
    return frozenset(field.alias for field in model.model_fields.values() if field.alias)


def _bounded(value: Any) -> Any:
    if isinstance(value, ResponseModel):
        return value.documented()
    return with_shown_texts(value)


def _spelled(key: str, spelling: Mapping[str, str], data: Mapping[str, Any]) -> str:
    alias = spelling.get(key.lower(), key)
    return key if alias in data else alias


def validated(model: type[_Model], values: Mapping[str, Any], *, source: str) -> _Model:
    """
    Return a request model built from values.

    :param model: the class of the model.
    :param values: its values, in snake_case or the documented camelCase.
    :param source: where the values came from, for the message.
    :raises EciValidationError: if any value is wrong; one error names all of them.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        details: list[ErrorDetails] = error.errors(include_url=False)
    raise EciValidationError(sentences(model, details), source=source)


def checked(kind: TypeAdapter[_Value], value: Any, *, name: str, source: str) -> _Value:
    """
    Return a single value, converted to its type.

    :param kind: the type, as a field of a request model has it.
    :param value: the value.
    :param name: the name of the argument, for the message.
    :param source: where the value came from, for the message.
    :raises EciValidationError: if the value is not of the type.
    """
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        details = error.errors(include_url=False)
    raise EciValidationError([_problem_text(name, detail) for detail in details], source=source)


def sentences(model: type[BaseModel], details: Iterable[ErrorDetails]) -> list[str]:
    """
    Return pydantic's errors in words.

    :param model: the model that refused its input.
    :param details: the errors, as ``ValidationError.errors()`` gives them.
    :return: one sentence an error: the field's path, the value (cut to 60 characters) and the bound.
    """
    return [_sentence(model, detail) for detail in details]


def _sentence(model: type[BaseModel], detail: ErrorDetails) -> str:
    path = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "missing":
        return f"{path} is required"
    if detail["type"] == "extra_forbidden":
        return f"{path} {_extra_problem(model, detail['loc'])}"
    return _problem_text(path, detail)


def _problem_text(name: str, detail: ErrorDetails) -> str:
    message = detail["msg"].removeprefix("Value error, ").replace("Input should", "must").replace("String", "it")
    message = message[:1].lower() + message[1:]
    return f"{name} is {excerpt(detail['input'])}: {message}" if name else message


def excerpt(value: Any) -> str:
    """
    Return a value's text for a message, cut to 60 characters; a cut one says how long it was.

    :param value: the value.
    """
    text = repr(value)
    if len(text) <= 60:
        return text
    return f"{text[:60]}... ({len(value) if isinstance(value, (str, list, dict)) else len(text)} long)"


def _extra_problem(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """Return that a field is unknown or given twice, with the nearest and all allowed names."""
    current = model
    for part in location[:-1]:
        current = _inner_model(current, part) or current
    names = list(current.model_fields)
    if location[-1] in names:
        return f"is given twice: also as {current.model_fields[str(location[-1])].alias}"
    return f"is not a field. {did_you_mean(str(location[-1]), names)}Allowed: {', '.join(names)}"


def _inner_model(model: type[BaseModel], part: int | str) -> type[BaseModel] | None:
    for name, field in model.model_fields.items():
        if part in (name, field.alias):
            return next(_models_in(field.annotation), None)
    return None


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models_in(argument)
