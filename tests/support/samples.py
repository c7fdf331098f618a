"""One well-formed sample of any contract, always the same: for golden files and schema tests."""

from __future__ import annotations

import enum
import types
import typing
from datetime import UTC, date, datetime, time
from typing import Any

from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

AT = datetime(2026, 11, 3, 19, 0, tzinfo=UTC)


def sample(model: type[BaseModel], **given: Any) -> Any:
    """An instance whose every field is filled in, by its type and its name."""
    values = {name: _value(name, field.annotation, field) for name, field in model.model_fields.items()}
    return model(**(values | given))


def _value(name: str, kind: Any, field: FieldInfo | None = None) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _value(name, arguments[0], field)
    if origin in (typing.Union, types.UnionType):
        return _value(name, next(each for each in arguments if each is not type(None)), field)
    if origin is typing.Literal:
        return arguments[0]
    if origin is tuple:
        return (_value(name, arguments[0]),)
    if origin is dict:
        return {"key": _value(name, arguments[1])}
    return _plain(name, kind)


def _plain(name: str, kind: Any) -> Any:
    while hasattr(kind, "__supertype__"):
        kind = kind.__supertype__
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return next(iter(kind))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return sample(kind)
    fixed = {bool: True, int: 3, datetime: AT, AwareDatetime: AT, date: AT.date(), time: time(19, 0)}
    if kind in fixed:
        return fixed[kind]
    return {"time_zone": "America/New_York", "languages": "en"}.get(name, f"{name}-1")
