"""Change a series from a day on, or stop it, with a preview of the dates, of the words, and of who is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from services.admin.access import ChapterDesk, OwnChapter
from services.admin.outlook import Outlook, outlook
from services.admin.pages.series import Held, check_place, hidden, named
from services.admin.pages.series_page import plan_of
from services.admin.recurring import ORDINALS, Repeats, rrule
from shared.contracts.base import Command, Done, RoomId, VenueId
from shared.contracts.errors import Refused, Stale
from shared.contracts.meetings import ChangeSeries, ChapterHoldings, SeriesChange, SeriesPlan, StopSeries
from shared.gateway.forms import Fields, Form, blank, read_form
from shared.gateway.wording import WEEKDAYS, local, people

router = APIRouter()

CHANGED = "The series was changed since you opened this page."
FROM = {
    "missing": {"from_date": "Enter the day from which on this holds"},
    "wrong": {"from_date": "Enter a day, for example 2026-12-01"},
}


class Seen(Fields):
    """What the person saw when they pressed the button."""

    from_date: date
    step: Literal["preview", "do", "edit"] = "preview"
    people: int | None = Field(default=None, ge=0)
    as_of: datetime | None = None


class Stop(Seen):
    """From when on a series meets no more."""

    missing: ClassVar[dict[str, str]] = FROM["missing"]
    wrong: ClassVar[dict[str, str]] = FROM["wrong"]


class Change(Held, Seen):
    """A series as it shall be."""

    missing: ClassVar[dict[str, str]] = Held.missing | FROM["missing"]
    wrong: ClassVar[dict[str, str]] = Held.wrong | FROM["wrong"] | {"until": "Enter a day, for example 2027-06-30"}

    repeats: Repeats | Literal["as_now"] = "as_now"
    weekday: int | None = Field(default=None, ge=0, le=6)
    ordinal: Literal["1", "2", "3", "4", "-1"] = "1"
    until: date | None = None

    def change(self, zone: str) -> SeriesChange:
        """In the contract's words."""
        days = None
        if self.repeats != "as_now":
            days = rrule(self.repeats, self.weekday or 0, int(self.ordinal), self.until, zone)
        return SeriesChange(
            rrule=days,
            starts=self.starts.replace(tzinfo=None),
            minutes=self.minutes,
            offers=self.offers,
            venue_id=VenueId(self.venue_id) if self.venue_id else None,
            room_id=RoomId(self.room_id) if self.room_id else None,
        )


@dataclass(frozen=True)
class Act:
    """One of the two things that can be done to a series."""

    what: Literal["change", "stop"]
    title: str
    does: str
    kind: str

    def button(self, count: int) -> str:
        """The words of the button, with the number of people in them."""
        return f"Tell {people(count)} and {self.does}" if count else f"{self.does[:1].upper()}{self.does[1:]}"


CHANGE = Act("change", "Change the series", "change the series", "main")
STOP = Act("stop", "Stop the series", "stop the series", "danger")


@router.get("/chapters/{chapter_id}/series/{series_id}/change")
async def change_form(desk: OwnChapter, series_id: str) -> Response:
    """The form, filled in with how it is."""
    plan = await plan_of(desk, series_id)
    given: dict[str, Any] = {f"{offer.mode}_capacity": offer.capacity for offer in plan.offers}
    form = blank(
        **{"in_person_capacity": 12, "online_capacity": 60, "phone_capacity": 20} | given,
        from_date=_tomorrow(desk, plan),
        repeats="as_now",
        ordinal="1",
        starts=f"{plan.starts:%H:%M}",
        minutes=plan.minutes,
        modes=[offer.mode.value for offer in plan.offers],
        venue_id=plan.venue_id or "",
        room_id=plan.room_id or "",
    )
    return await _form(desk, CHANGE, plan, form)


@router.get("/chapters/{chapter_id}/series/{series_id}/stop")
async def stop_form(desk: OwnChapter, series_id: str) -> Response:
    """From which day on."""
    plan = await plan_of(desk, series_id)
    return await _form(desk, STOP, plan, blank(from_date=_tomorrow(desk, plan)))


def _tomorrow(desk: ChapterDesk, plan: SeriesPlan) -> str:
    return (local(desk.now, plan.time_zone).date() + timedelta(days=1)).isoformat()


async def _form(desk: ChapterDesk, act: Act, plan: SeriesPlan, form: Form[Any]) -> Response:
    holdings = await desk.holdings()
    return desk.page(
        f"series_{act.what}.html",
        status=409 if plan.over else form.status,
        form=form,
        plan=plan,
        holdings=holdings,
        chapter=holdings.chapter,
        weekdays=list(enumerate(WEEKDAYS)),
        ordinals=list(ORDINALS.items()),
    )


@router.post("/chapters/{chapter_id}/series/{series_id}/change")
async def change(desk: OwnChapter, series_id: str) -> Response:
    """Show what it does; on confirmation count again, and do it if that is still so."""
    plan, holdings, form = await plan_of(desk, series_id), await desk.holdings(), await read_form(desk.request, Change)
    if form.ok:
        _check(form, holdings)
    return await _step(desk, CHANGE, plan, form, form.given.change(plan.time_zone) if form.ok else None)


@router.post("/chapters/{chapter_id}/series/{series_id}/stop")
async def stop(desk: OwnChapter, series_id: str) -> Response:
    """The same, for its end."""
    return await _step(desk, STOP, await plan_of(desk, series_id), await read_form(desk.request, Stop), None)


def _check(form: Form[Change], holdings: ChapterHoldings) -> None:
    check_place(form, form.given, holdings)
    if form.given.repeats != "as_now" and form.given.weekday is None:
        form.errors["weekday"] = "Choose the day"
    if form.given.until and form.given.until < form.given.from_date:
        form.errors["until"] = "The last day is before the first one"


async def _step(
    desk: ChapterDesk, act: Act, plan: SeriesPlan, form: Form[Any], change: SeriesChange | None
) -> Response:
    if not form.ok or form.given.step == "edit":
        return await _form(desk, act, plan, form)
    given: Seen = form.given
    try:
        if given.step == "do" and given.as_of is not None:
            return await _confirmed(desk, act, plan, form, change)
        return await _preview(desk, act, plan, form, await outlook(desk, plan, given.from_date, change))
    except Refused as refused:
        return await _form(desk, act, plan, form.refuse(named(refused)))


async def _preview(
    desk: ChapterDesk, act: Act, plan: SeriesPlan, form: Form[Any], seen: Outlook, *, moved: str = ""
) -> Response:
    return desk.page(
        "series_outlook.html",
        status=409 if moved else 200,
        act=act,
        plan=plan,
        form=form,
        seen=seen,
        moved=moved,
        fields=[pair for pair in hidden(form.values) if pair[0] != "as_of"],
        button=act.button(seen.count),
    )


async def _confirmed(
    desk: ChapterDesk, act: Act, plan: SeriesPlan, form: Form[Any], change: SeriesChange | None
) -> Response:
    given: Seen = form.given
    here = f"/chapters/{desk.chapter_id}/series/{plan.series_id}"
    seen = await outlook(desk, plan, given.from_date, change) if given.as_of == plan.as_of else None
    if seen is not None and given.people != seen.count:
        was = people(given.people or 0)
        moved = f"It was {was} when you opened this page; it is {people(seen.count)} now."
        return await _preview(desk, act, plan, form, seen, moved=moved)
    try:  # where the series is another by now, the service tells this very form, sent twice, from another
        await desk.send(_command(plan, given, change), form.request_id)
    except Stale:
        now = await outlook(desk, plan, given.from_date, change)
        return await _preview(desk, act, plan, form, now, moved=CHANGED)
    await desk.note(f"series_{act.what}", chapter_id=desk.chapter_id)
    return desk.go(f"{here}?done={act.what}")


def _command(plan: SeriesPlan, given: Seen, change: SeriesChange | None) -> Command[Done]:
    as_of = given.as_of or plan.as_of
    if change is None:
        return StopSeries(series_id=plan.series_id, as_of=as_of, from_date=given.from_date)
    return ChangeSeries(series_id=plan.series_id, as_of=as_of, from_date=given.from_date, change=change)
