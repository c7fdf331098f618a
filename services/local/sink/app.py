"""The sink's web side: the provider's API, the page of what arrived, its JSON, and the fault switch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, ConfigDict
from starlette.middleware.trustedhost import TrustedHostMiddleware

from services.local.sink import provider as api
from services.local.sink.faults import Fault, Faults
from services.local.sink.hooks import Hooks
from services.local.sink.log import Arrivals, Record
from services.local.sink.mail import listen
from services.local.sink.numbers import Refusal
from services.local.sink.settings import SinkSettings

PAGE = 100
"""Messages on the page; the JSON gives all."""

_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src data:; form-action 'self'; "
    "frame-src 'self'; base-uri 'none'; frame-ancestors 'self'"
)
_pages = Jinja2Templates(directory=Path(__file__).parent / "templates")


class FaultSwitch(BaseModel):
    """What PUT /api/faults takes: a fault for mails, one for texts, or none."""

    model_config = ConfigDict(extra="forbid")

    mail: Fault | None = None
    sms: Fault | None = None


class Inbound(BaseModel):
    """What POST /api/inbound takes: a text from a phone to one of our numbers."""

    model_config = ConfigDict(extra="forbid")

    to: str
    sender: str
    body: str
    sid: str | None = None
    """Given twice, it is the same text delivered twice."""


class StatusReport(BaseModel):
    """What POST /api/texts/{sid}/status takes: any status, in any order, as often as wanted."""

    model_config = ConfigDict(extra="forbid")

    status: str
    error_code: int | None = None


def lock_screen(record: Record) -> dict[str, str]:
    """What a phone shows of a message to whoever looks over the shoulder: sender, subject, the first lines."""
    if record["kind"] == "text":
        return {"app": "Messages", "title": record["sender"] or "", "line": "", "body": record["body"][:120]}
    name = (record["header_from"] or record["sender"] or "").split("<")[0].strip(' "') or record["sender"] or ""
    preview = " ".join((record["text"] or "").split())[:120]
    return {"app": "Mail", "title": name, "line": record["subject"] or "", "body": preview}


def build(settings: SinkSettings) -> FastAPI:
    """The application; its lifespan opens the log and the mail server and closes both."""
    arrivals, faults = Arrivals(settings.log), Faults()
    hooks = Hooks(settings, arrivals)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        smtp = await listen(arrivals, faults, settings.smtp_port)
        yield
        smtp.close()
        await hooks.close()
        arrivals.close()

    app = FastAPI(title="Chapterhouse development sink", lifespan=lifespan, openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    app.include_router(api.routes(api.Provider(settings, arrivals, faults, hooks)))

    @app.exception_handler(Refusal)
    async def refuse(_request: Request, refusal: Exception) -> Response:
        if not isinstance(refusal, Refusal):
            raise refusal
        headers = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if refusal.status == 401 else None
        return JSONResponse(refusal.body(), status_code=refusal.status, headers=headers)

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response

    _pages_for_people(app, arrivals, faults, hooks)
    _api_for_tests(app, arrivals, faults, hooks)
    return app


def _pages_for_people(app: FastAPI, arrivals: Arrivals, faults: Faults, hooks: Hooks) -> None:
    def found(record_id: str) -> Record:
        record = arrivals.find(record_id)
        if record is None:
            raise HTTPException(404, "nothing of this id has arrived")
        return record

    @app.get("/", response_class=HTMLResponse)
    async def page(request: Request, to: str = "") -> Response:
        records = list(arrivals.arrived(to=to or None))
        shown = [(record, lock_screen(record)) for record in records[:PAGE]]
        context = {
            "shown": shown,
            "total": len(records),
            "to": to,
            "recipients": arrivals.recipients(),
            "faults": faults.shown(),
            "opted_out": arrivals.opted_out,
        }
        return _pages.TemplateResponse(request, "arrived.html", context)

    @app.get("/messages/{record_id}", response_class=HTMLResponse)
    async def message(request: Request, record_id: str) -> Response:
        record = found(record_id)
        context = {"record": record, "lock": lock_screen(record), "history": _history(arrivals, record)}
        return _pages.TemplateResponse(request, "message.html", context)

    @app.get("/messages/{record_id}/html", response_class=HTMLResponse)
    async def html(record_id: str) -> Response:
        policy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        return HTMLResponse(found(record_id).get("html") or "", headers={"Content-Security-Policy": policy})

    @app.get("/messages/{record_id}/invitation.ics")
    async def invitation(record_id: str) -> Response:
        return Response(found(record_id).get("ics") or "", media_type="text/calendar; charset=utf-8")

    @app.post("/reply")
    async def reply(
        sender: Annotated[str, Form()],
        to: Annotated[str, Form()],
        body: Annotated[str, Form()],
        back: Annotated[str, Form()],
    ) -> Response:
        await hooks.inbound(to, sender, body)
        return RedirectResponse(f"/messages/{back}", status_code=303)


def _api_for_tests(app: FastAPI, arrivals: Arrivals, faults: Faults, hooks: Hooks) -> None:
    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ready"}

    @app.get("/api/messages")
    async def messages(to: str | None = None, kind: str | None = None) -> dict[str, list[Record]]:
        return {"messages": list(arrivals.arrived(to=to, kind=kind))}

    @app.get("/api/faults")
    async def ordered() -> dict[str, Fault | None]:
        return faults.shown()

    @app.put("/api/faults")
    async def order(switch: FaultSwitch) -> dict[str, Fault | None]:
        faults.mail, faults.sms = switch.mail, switch.sms
        return faults.shown()

    @app.delete("/api/faults")
    async def lift() -> dict[str, Fault | None]:
        faults.mail = faults.sms = None
        return faults.shown()

    @app.post("/api/inbound")
    async def inbound(text: Inbound) -> dict[str, str | int | None]:
        sid, answered = await hooks.inbound(text.to, text.sender, text.body, sid=text.sid)
        return {"sid": sid, "answered": answered}

    @app.post("/api/texts/{sid}/status")
    async def report(sid: str, wanted: StatusReport) -> dict[str, int | None]:
        if sid not in arrivals.texts:
            raise HTTPException(404, "no text of this sid was accepted")
        return {"answered": await hooks.report(sid, wanted.status, wanted.error_code)}


def _history(arrivals: Arrivals, record: Record) -> list[Record]:
    """What became of a text, and what came back from that phone since."""
    if record["kind"] != "text":
        return []
    return [
        each
        for each in arrivals.records
        if (each["kind"] == "status" and each["sid"] == record["sid"])
        or (each["kind"] == "inbound" and each["sender"] == record["to"] and each["at"] >= record["at"])
    ]
