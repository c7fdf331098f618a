"""The region: chapters, feedback windows, reports with what they withhold. No person."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar
from zoneinfo import available_timezones

from fastapi import APIRouter, Response
from pydantic import Field, field_validator, model_validator

from services.admin.access import AnyDesk, Desk, RegionalDesk
from shared.contracts.base import WindowId
from shared.contracts.errors import Invalid, NotFound, Refused
from shared.contracts.feedback import ListWindows, OpenWindow, ReadReport, ReportNotReady, WindowState
from shared.contracts.meetings import Chapters, ListChapters, OpenChapter
from shared.gateway.forms import Fields, Form, blank, read_form

router = APIRouter()


class NewChapter(Fields):
    """A chapter to be opened."""

    missing: ClassVar[dict[str, str]] = {
        "name": "Enter the chapter's name",
        "slug": "Enter a short name for addresses",
        "time_zone": "Choose the time zone",
    }
    wrong: ClassVar[dict[str, str]] = {
        "name": "Use 200 characters or fewer",
        "slug": "Use small letters, digits and dashes, for example north-shore",
    }

    name: str = Field(max_length=200)
    slug: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    time_zone: str

    @field_validator("time_zone")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("Choose a time zone from the list, for example America/Chicago")
        return value


class NewWindow(Fields):
    """A feedback window. Days are the region's, in UTC."""

    missing: ClassVar[dict[str, str]] = {
        "name": "Enter a name, for example November 2026",
        "opens_on": "Enter the first day",
        "closes_on": "Enter the last day",
    }
    wrong: ClassVar[dict[str, str]] = {
        "name": "Use 200 characters or fewer",
        "opens_on": "Enter a day, for example 2026-12-01",
        "closes_on": "Enter a day, for example 2026-12-31",
        "grace_hours": "Enter a number of hours from 0 to 336",
    }

    name: str = Field(max_length=200)
    opens_on: date
    closes_on: date
    grace_hours: int = Field(default=72, ge=0, le=336)

    @model_validator(mode="after")
    def _fits(self) -> NewWindow:
        if self.closes_on < self.opens_on:
            raise ValueError("The last day is before the first one")
        return self


FORM_FIELDS = {"opens_at": "opens_on", "closes_at": "closes_on"}


@router.get("/region")
async def region(desk: RegionalDesk, done: str = "") -> Response:
    """Chapters and windows."""
    return desk.page(
        "region.html",
        chapters=await desk.ask(ListChapters()),
        windows=(await desk.ask(ListWindows())).windows,
        done=done,
    )


@router.get("/region/chapters/new")
async def new_chapter(desk: RegionalDesk) -> Response:
    """The form for a chapter."""
    return _chapter_page(desk, blank())


def _chapter_page(desk: Desk, form: Form[Any]) -> Response:
    return desk.page("new_chapter.html", status=form.status, form=form, zones=sorted(available_timezones()))


async def _chapters(desk: Desk) -> Chapters:
    chapters = await desk.ask(ListChapters())
    if chapters.region_id is None:
        raise Invalid("There is no region yet. The operator makes it on the command line first.")
    return chapters


@router.post("/region/chapters/new")
async def open_chapter(desk: RegionalDesk) -> Response:
    """Open it."""
    form = await read_form(desk.request, NewChapter)
    if not form.ok:
        return _chapter_page(desk, form)
    region_id = (await _chapters(desk)).region_id
    assert region_id is not None  # noqa: S101 - said to the type checker
    try:
        answer = await desk.send(OpenChapter(region_id=region_id, **form.given.model_dump()), form.request_id)
    except Refused as refused:
        return _chapter_page(desk, form.refuse(refused))
    await desk.note("opened_chapter", chapter_id=answer.chapter_id)
    return desk.go("/region?done=chapter")


@router.get("/region/windows/new")
async def new_window(desk: RegionalDesk) -> Response:
    """The form for a feedback window: the rest of this month, unless said otherwise."""
    today = desk.now.date()
    following = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    form = blank(
        name=f"{today:%B %Y}",
        opens_on=today.isoformat(),
        closes_on=(following - timedelta(days=1)).isoformat(),
        grace_hours=72,
    )
    return desk.page("new_window.html", form=form)


@router.post("/region/windows/new")
async def open_window(desk: RegionalDesk) -> Response:
    """Open it. It opens at midnight UTC of its first day, or now if that has passed."""
    form = await read_form(desk.request, NewWindow)
    if form.ok:
        given, region_id = form.given, (await _chapters(desk)).region_id
        assert region_id is not None  # noqa: S101 - said to the type checker
        opens = datetime.combine(given.opens_on, time(0), UTC)
        closes = datetime.combine(given.closes_on + timedelta(days=1), time(0), UTC)
        command = OpenWindow(
            region_id=region_id,
            name=given.name,
            opens_at=max(opens, desk.now) if opens.date() == desk.now.date() else opens,
            closes_at=closes,
            grace_hours=given.grace_hours,
        )
        try:
            await desk.send(command, form.request_id)
        except Refused as refused:
            form.refuse(Invalid(refused.message, field=FORM_FIELDS.get(refused.field or "", refused.field)))
        else:
            await desk.note("opened_feedback_window")
            return desk.go("/region?done=window")
    return desk.page("new_window.html", status=form.status, form=form)


@router.get("/windows")
async def windows(desk: AnyDesk) -> Response:
    """The windows, for coordinators too."""
    return desk.page("windows.html", windows=(await desk.ask(ListWindows())).windows)


@router.get("/windows/{window_id}/report")
async def report(desk: AnyDesk, window_id: str) -> Response:
    """A closed window's report: figures, and what is withheld and why. A coordinator's has their chapters alone."""
    found = (await desk.ask(ListWindows())).windows
    window = next((each for each in found if each.window_id == window_id), None)
    if window is None:
        raise NotFound("there is no such feedback window")
    chapters = {each.chapter_id: each.name for each in (await desk.ask(ListChapters())).chapters}
    if window.state is WindowState.OPEN:
        return desk.page("report_later.html", window=window)
    try:
        read = await desk.ask(ReadReport(window_id=WindowId(window_id)))
    except ReportNotReady:
        return desk.page("report_later.html", window=window)
    own = desk.who.account.chapters
    blocks = [each for each in read.chapters if desk.who.is_regional or each.chapter_id in own]
    await desk.note("read_report")
    return desk.page("report.html", report=read, blocks=blocks, chapters=chapters)
