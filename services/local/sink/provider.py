"""The SMS provider: Twilio's Messages resource, written from its API reference (2010-04-01).

The genuine ``twilio`` client speaks to it once its ``api.base_url`` points here.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from email.utils import format_datetime
from operator import eq, ge, le
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from services.local.sink.faults import Fault, Faults
from services.local.sink.hooks import Hooks
from services.local.sink.log import Arrivals, Record
from services.local.sink.numbers import Refusal, check_numbers, segments
from services.local.sink.settings import SinkSettings

LONGEST = 1600
"""Characters in one text."""


def _gmt(iso: str | None) -> str | None:
    return format_datetime(datetime.fromisoformat(iso)) if iso else None


def _shown(text: Record, account: str) -> Record:
    """A text as the API shows it: dates by RFC 2822, counts as strings."""
    uri = f"/2010-04-01/Accounts/{account}/Messages/{text['sid']}"
    status = text["status"]
    return {
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": text["body"],
        "date_created": _gmt(text["at"]),
        "date_sent": _gmt(text["changed"]) if status in {"sent", "delivered", "undelivered"} else None,
        "date_updated": _gmt(text["changed"]),
        "direction": "outbound-api",
        "error_code": text["error_code"],
        "error_message": None,
        "from": text["sender"],
        "messaging_service_sid": text["service"],
        "num_media": "0",
        "num_segments": "0" if text["service"] else str(text["segments"]),
        "price": None,
        "price_unit": "USD",
        "sid": text["sid"],
        "status": status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": text["to"],
        "uri": f"{uri}.json",
    }


class Provider:
    """The rules of the API, apart from its routes."""

    def __init__(self, settings: SinkSettings, arrivals: Arrivals, faults: Faults, hooks: Hooks) -> None:
        self.settings = settings
        self.arrivals = arrivals
        self.faults = faults
        self.hooks = hooks

    def admit(self, account: str, authorization: str | None) -> None:
        """HTTP Basic: account and token, or an API key (SK…) with the same secret. Raises Refusal."""
        name, _, secret = _basic(authorization).partition(":")
        known = name == self.settings.sms_account or name.startswith("SK")
        if not (known and hmac.compare_digest(secret, self.settings.sms_token)):
            raise Refusal(20003, "Authenticate", 401)
        if account != self.settings.sms_account:
            raise self.not_found(f"/2010-04-01/Accounts/{account}")

    def accept(self, form: dict[str, str]) -> Record:
        """Take a text, or raise its Refusal. It is in the log when this returns."""
        to, sender, service = form.get("To"), form.get("From"), form.get("MessagingServiceSid")
        check_numbers(to, sender, service, test_credentials=self.settings.test_credentials)
        body = form.get("Body", "")
        if not body.strip():
            raise Refusal(21602, "Message body is required.")
        if len(body) > LONGEST:
            raise Refusal(21617, "The concatenated message body exceeds the 1600 character limit.")
        callback = form.get("StatusCallback")
        if callback and not callback.startswith(("http://", "https://")):
            raise Refusal(21609, f"The 'StatusCallback' URL {callback} is not a valid URL.")
        validity = form.get("ValidityPeriod")
        if validity is not None and not (validity.isdigit() and 1 <= int(validity) <= 36000):
            raise Refusal(21659, f"ValidityPeriod {validity} is invalid: it is a number of seconds from 1 to 36000")
        if form.get("ScheduleType") or form.get("SendAt"):
            raise Refusal(35118, "MessagingServiceSid is required to schedule a message")
        if to in self.arrivals.opted_out:
            raise Refusal(21610, "Attempt to send to unsubscribed recipient")
        sid = f"SM{secrets.token_hex(16)}"
        self.arrivals.add(
            "text",
            id=sid,
            sid=sid,
            to=to,
            sender=sender,
            body=body,
            segments=segments(body),
            status_callback=callback,
            service=service,
        )
        return self.arrivals.texts[sid]

    def one(self, account: str, sid: str) -> Record:
        """One text. Raises Refusal."""
        if sid not in self.arrivals.texts:
            raise self.not_found(f"/2010-04-01/Accounts/{account}/Messages/{sid}.json")
        return self.arrivals.texts[sid]

    def listed(self, query: dict[str, str]) -> list[Record]:
        """Texts by To, From and DateSent (a day in GMT, or ``DateSent<`` and ``DateSent>``, inclusive), newest first."""
        rules: dict[str, Callable[[date, date], bool]] = {"DateSent": eq, "DateSent<": le, "DateSent>": ge}
        days = [(_day(query[name]), rule) for name, rule in rules.items() if query.get(name)]
        return [
            text
            for text in self.arrivals.arrived(kind="text")
            if query.get("To") in (None, text["to"])
            and query.get("From") in (None, text["sender"])
            and all(rule(datetime.fromisoformat(text["at"]).date(), day) for day, rule in days)
        ]

    async def answer(self, account: str, form: dict[str, str]) -> Response:
        """Accept or refuse a text, with the faults that were ordered for it."""
        to, take = form.get("To"), self.faults.take
        if fault := take("sms", to, "stall"):
            await asyncio.sleep(fault.seconds)
        if take("sms", to, "die"):
            return _cut()
        if fault := take("sms", to, "refuse"):
            raise _ordered(fault)
        text = self.accept(form)
        failing = take("sms", to, "undelivered")
        self.hooks.follow(text["sid"], fails_with=(failing.code or 30003) if failing else None)
        shown = _shown(text, account) | ({"status": "accepted", "from": None} if text["service"] else {})
        if fault := take("sms", to, "late"):
            await asyncio.sleep(fault.seconds)
        if fault := take("sms", to, "refuse_after"):
            raise _ordered(fault)
        return _cut() if take("sms", to, "die_after") else JSONResponse(shown, status_code=201)

    def page(self, account: str, query: dict[str, str]) -> dict[str, Any]:
        """One page of the list, with the way to the next and the one before."""
        size = min(max(_number(query, "PageSize", 50), 1), 1000)
        page = _number(query, "Page", 0)
        found = self.listed(query)
        window = found[page * size : (page + 1) * size]
        filters = {name: value for name, value in query.items() if name not in {"Page", "PageSize", "PageToken"}}

        def uri(number: int) -> str:
            token = {"PageToken": f"PA{window[-1]['sid']}"} if number and window else {}
            asked = urlencode({**filters, "PageSize": size, "Page": number, **token})
            return f"/2010-04-01/Accounts/{account}/Messages.json?{asked}"

        return {
            "end": page * size + max(len(window) - 1, 0),
            "first_page_uri": uri(0),
            "messages": [_shown(text, account) for text in window],
            "next_page_uri": uri(page + 1) if len(found) > (page + 1) * size else None,
            "page": page,
            "page_size": size,
            "previous_page_uri": uri(page - 1) if page else None,
            "start": page * size,
            "uri": uri(page),
        }

    @staticmethod
    def not_found(path: str) -> Refusal:
        """The API's words for what is not there."""
        return Refusal(20404, f"The requested resource {path} was not found", 404)


def _basic(authorization: str | None) -> str:
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _day(given: str) -> date:
    try:
        return datetime.fromisoformat(given).astimezone(UTC).date() if "T" in given else date.fromisoformat(given)
    except ValueError as error:
        raise Refusal(20001, f"Invalid DateSent: {given}") from error


def _number(query: dict[str, str], name: str, otherwise: int) -> int:
    given = query.get(name, str(otherwise))
    if not given.isdigit():
        raise Refusal(20001, f"Invalid {name}: {given}")
    return int(given)


def _ordered(fault: Fault) -> Refusal:
    code = fault.code or 20500
    status = fault.status or {20500: 500, 20429: 429}.get(code, 400)
    return Refusal(code, fault.text or "A fault that was ordered", status)


def _cut() -> StreamingResponse:
    """An answer that promises more than it holds: the client sees the connection break."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"{"
        raise ConnectionAbortedError("a cut that was ordered")

    return StreamingResponse(broken(), status_code=201, headers={"Content-Length": "1000"})


def routes(provider: Provider) -> APIRouter:
    """The API's paths."""

    def admitted(account: str, request: Request) -> None:
        provider.admit(account, request.headers.get("Authorization"))

    router = APIRouter(prefix="/2010-04-01/Accounts/{account}", dependencies=[Depends(admitted)])

    @router.post("/Messages.json")
    async def create(account: str, request: Request) -> Response:
        return await provider.answer(account, {name: str(value) for name, value in (await request.form()).items()})

    @router.get("/Messages.json")
    async def listing(account: str, request: Request) -> Response:
        return JSONResponse(provider.page(account, dict(request.query_params)))

    @router.get("/Messages/{sid}.json")
    async def fetch(account: str, sid: str) -> Response:
        return JSONResponse(_shown(provider.one(account, sid), account))

    @router.post("/Messages/{sid}.json")
    async def change(account: str, sid: str, request: Request) -> Response:
        form = await request.form()
        text = provider.one(account, sid)
        if form.get("Status") == "canceled":
            if text["status"] not in {"accepted", "scheduled", "queued"}:
                raise Refusal(30409, "Message cannot be canceled: it has left the queue", 409)
            provider.arrivals.add("status", sid=sid, status="canceled", error_code=None)
        return JSONResponse(_shown(provider.one(account, sid), account))

    return router
