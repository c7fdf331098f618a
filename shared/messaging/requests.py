"""The wire form of commands and queries, who may sign which role, and the memory of answered commands."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json, to_json
from sqlalchemy import Connection, insert, select, text

from shared.contracts.base import REQUESTS, Actor, Request, Role, View
from shared.contracts.errors import Fault, Forbidden, Invalid, Refused, refusal
from shared.runtime.keys import KeyRing
from shared.storage.core import requests

SIGNERS: dict[str, frozenset[Role]] = {
    "portal": frozenset({Role.VISITOR, Role.MEMBER, Role.PROVIDER}),
    "admin": frozenset({Role.VISITOR, Role.COORDINATOR, Role.REGIONAL}),
    "operator": frozenset({Role.VISITOR, Role.OPERATOR}),
    "meetings": frozenset({Role.SERVICE}),
    "registration": frozenset({Role.SERVICE}),
    "notifications": frozenset({Role.SERVICE}),
    "feedback": frozenset({Role.SERVICE}),
}
"""A gateway can speak for those whom it signs in, and for nobody else."""


class Asked(BaseModel):
    """One request on the wire. The whole body is signed, so nothing in it can be exchanged."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: str
    request_id: str
    correlation_id: str
    traceparent: str | None = None
    deadline: AwareDatetime  # real time; past it nothing is begun
    signer: str
    actor: Actor
    payload: dict[str, Any]

    @property
    def payload_hash(self) -> str:
        """SHA-256 of type, actor and payload: what must be the same when a request id comes again."""
        same = {"type": self.type, "actor": self.actor, "payload": self.payload}
        return hashlib.sha256(to_json(same)).hexdigest()


def ask_bytes(
    request: Request[Any],
    *,
    actor: Actor,
    keys: KeyRing,
    request_id: str,
    correlation_id: str,
    traceparent: str,
    deadline: datetime,
) -> tuple[bytes, bytes]:
    """A request's body and its signature."""
    asked = Asked(
        type=request.type,
        request_id=request_id,
        correlation_id=correlation_id,
        traceparent=traceparent,
        deadline=deadline,
        signer=keys.name,
        actor=actor,
        payload=request.model_dump(mode="json"),
    )
    body = to_json(asked)
    return body, keys.sign(body)


@dataclass(frozen=True)
class Readable:
    """A request whose signature, signer and payload were found good."""

    asked: Asked
    request: Request[Any]


def open_request(body: bytes, signature: bytes, keys: KeyRing) -> Readable:
    """Check and read a request. Raises Forbidden (not signed by who may) and Invalid (field named)."""
    try:
        asked = Asked.model_validate(from_json(body))
    except ValueError as error:
        raise Invalid("the request cannot be read") from error
    if not keys.verify(asked.signer, body, signature):
        raise Forbidden("the request is not signed by the gateway that it names")
    if asked.actor.role not in SIGNERS.get(asked.signer, frozenset()):
        raise Forbidden(f"{asked.signer} may not speak for a {asked.actor.role}")
    if asked.actor.role is Role.SERVICE and asked.actor.id != asked.signer:
        raise Forbidden(f"{asked.signer} may not speak for another service")
    model = REQUESTS.get(asked.type)
    if model is None:
        raise Invalid(f"no request is called {asked.type}", field="type")
    try:
        return Readable(asked, model.model_validate(asked.payload, extra="ignore"))
    except ValidationError as error:
        raise named(error) from error


def named(error: ValidationError) -> Invalid:
    """The first thing that is wrong, as a refusal that names its field."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or None
    return Invalid(first["msg"].removeprefix("Value error, "), field=field)


def answer_bytes(view: View) -> bytes:
    """A reply that carries a view."""
    return to_json({"ok": view})


def refused_bytes(refused: Refused) -> bytes:
    """A reply that carries a refusal."""
    return to_json(
        {"refused": {"code": refused.code, "message": refused.message, "field": refused.field, "facts": refused.facts}}
    )


def fault_bytes(correlation_id: str) -> bytes:
    """A reply that says that the service failed, without its reason."""
    return to_json({"fault": {"correlation_id": correlation_id}})


def read_reply(reply: bytes, answer: type[View]) -> View:
    """The view in a reply. Raises the refusal or the fault that it carries."""
    content = from_json(reply)
    if "ok" in content:
        return answer.model_validate(content["ok"], extra="ignore")
    if "refused" in content:
        told = content["refused"]
        raise refusal(told["code"], told["message"], told["field"], told["facts"])
    raise Fault(content["fault"]["correlation_id"])


def hold(connection: Connection, request_ids: Iterable[str]) -> None:
    """Nobody else answers these until this transaction ends: a second delivery waits, and then finds the answer.

    Else it would be judged by what the first has just done, and be refused. SQLite has one writer, who waits anyway.
    """
    if connection.dialect.name == "postgresql":
        keys = sorted({_lock_of(request_id) for request_id in request_ids})  # in one order, so that two never cross
        connection.execute(_HOLD, {"keys": json.dumps(keys)})


def _lock_of(request_id: str) -> int:
    """PostgreSQL names a lock of one's own by 64 bits. Where two requests share them, one waits for the other."""
    return int.from_bytes(hashlib.blake2b(request_id.encode(), digest_size=8).digest(), "big", signed=True)


_HOLD = text("SELECT pg_advisory_xact_lock(CAST(value AS bigint)) FROM json_array_elements_text(CAST(:keys AS json))")


def remembered(connection: Connection, request_ids: Iterable[str]) -> dict[str, tuple[str, bytes]]:
    """Payload hash and answer of the requests among these that were answered before."""
    statement = select(requests.c.request_id, requests.c.payload_hash, requests.c.answer).where(
        requests.c.request_id.in_(list(request_ids))
    )
    return {request_id: (digest, answer) for request_id, digest, answer in connection.execute(statement)}


def remember(connection: Connection, rows: list[dict[str, object]]) -> None:
    """Keep these answers, in the transaction of their effects."""
    if rows:
        connection.execute(insert(requests), rows)
