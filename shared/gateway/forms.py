"""Typed forms: what a person typed, read by a pydantic model, with each error beside its field.

A form's ``request_id`` is minted when it is rendered and comes back with it, so that pressing a button twice,
or again after a lost answer, does the thing once.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar, get_origin

from fastapi import Request
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.datastructures import FormData, UploadFile

from shared.contracts.errors import Refused
from shared.runtime.ids import new_id

REQUEST_ID = "request_id"


class Fields(BaseModel):
    """The base of a form's model. A field that was left blank counts as not given.

    ``missing`` says what to write beside a field that must be filled ("Enter a name"), ``wrong`` what to write
    beside one that holds something else than it may; else pydantic's own words are used.
    """

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True, frozen=True)

    missing: ClassVar[dict[str, str]] = {}
    wrong: ClassVar[dict[str, str]] = {}


FieldsT = TypeVar("FieldsT", bound=Fields)


@dataclass
class Form(Generic[FieldsT]):
    """A form as it is shown: what was typed, what was wrong with it, and what it means if nothing was."""

    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    overall: list[str] = field(default_factory=list)
    value: FieldsT | None = None
    request_id: str = field(default_factory=new_id)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.errors and not self.overall

    @property
    def status(self) -> int:
        """200, or 422 where something is wrong."""
        return 200 if self.ok else 422

    @property
    def given(self) -> FieldsT:
        """The typed value; only where ``ok``."""
        if self.value is None:
            raise LookupError("the form has errors")
        return self.value

    def refuse(self, refused: Refused) -> Form[FieldsT]:
        """Show a service's refusal beside the field it names, else on top. The next try is a new request."""
        if refused.field and refused.field in self.values:
            self.errors[refused.field] = refused.message
        else:
            self.overall.append(refused.message)
        self.request_id = new_id()
        return self


def blank(**values: Any) -> Form[Any]:
    """An empty form, or one with these values filled in."""
    return Form(values=values)


def _many(annotation: Any) -> bool:
    return get_origin(annotation) in (list, tuple, set, frozenset)


def _typed(data: FormData, model: type[Fields]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        if _many(info.annotation):
            found[name] = [text for text in data.getlist(name) if isinstance(text, str) and text.strip()]
        else:
            text = data.get(name)
            found[name] = text if isinstance(text, (str, UploadFile)) else ""
    return found


def _sent_id(data: FormData) -> str:
    """The request id that the form was rendered with. Another shape than ours is nobody's id: mint one."""
    sent = data.get(REQUEST_ID)
    try:
        return str(uuid.UUID(sent)) if isinstance(sent, str) else new_id()
    except ValueError:
        return new_id()


def _word(model: type[Fields], error: Any) -> str:
    name = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] in ("missing", "too_short") and name in model.missing:
        return model.missing[name]
    if name in model.wrong and error["type"] != "value_error":
        return model.wrong[name]
    if error["type"] == "missing":
        return "Fill this in"
    said = str(error["msg"]).removeprefix("Value error, ")
    return said[:1].upper() + said[1:]


def fill(data: FormData, model: type[FieldsT]) -> Form[FieldsT]:
    """A form from what was sent."""
    typed = _typed(data, model)
    form: Form[FieldsT] = Form(values=typed, request_id=_sent_id(data))
    present = {name: text for name, text in typed.items() if not isinstance(text, str) or text.strip()}
    try:
        form.value = model.model_validate(present)
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False):
            name = str(one["loc"][0]) if one["loc"] else ""
            if name in typed:
                form.errors.setdefault(name, _word(model, one))
            else:
                form.overall.append(_word(model, one))
        form.request_id = new_id()
    return form


async def read_form(request: Request, model: type[FieldsT]) -> Form[FieldsT]:
    """The form that came with this request. Its token was checked before (shared.gateway.forgery)."""
    return fill(await request.form(), model)


async def sent_request_id(request: Request) -> str:
    """The request id of a form that has no other fields."""
    return _sent_id(await request.form())
