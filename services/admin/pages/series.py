"""Schedule a series: a friendly form, a preview of its dates, then the confirmation."""

from __future__ import annotations

from datetime import date, time
from typing import Any, ClassVar, Literal

from fastapi import APIRouter, Response
from pydantic import Field, model_validator

from services.admin.access import ChapterDesk, OwnChapter
from services.admin.recurring import ORDINALS, Repeats, rrule, sentence
from shared.contracts.base import GroupId, Mode, RoomId, VenueId
from shared.contracts.errors import Invalid, Refused
from shared.contracts.meetings import (
    ChapterHoldings,
    ModeOffer,
    PreviewSeries,
    ScheduleSeries,
    SeriesPreview,
    SeriesRule,
)
from shared.gateway.forms import Fields, Form, blank, read_form
from shared.gateway.wording import WEEKDAYS, local

router = APIRouter()

PLACES = "Enter a number of places from 1 to 5000"


class Held(Fields):
    """When a series' meetings begin, how one attends, and where."""

    missing: ClassVar[dict[str, str]] = {
        "starts": "Enter the time it begins",
        "minutes": "Enter how long it lasts",
        "modes": "Choose at least one way to attend",
    }
    wrong: ClassVar[dict[str, str]] = {
        "starts": "Enter a time, for example 19:00",
        "minutes": "Enter a number of minutes from 10 to 600",
        "in_person_capacity": PLACES,
        "online_capacity": PLACES,
        "phone_capacity": PLACES,
    }

    starts: time
    minutes: int = Field(ge=10, le=600)
    modes: tuple[Mode, ...] = Field(min_length=1)
    in_person_capacity: int = Field(default=12, ge=1, le=5000)
    online_capacity: int = Field(default=60, ge=1, le=5000)
    phone_capacity: int = Field(default=20, ge=1, le=5000)
    venue_id: str | None = None
    room_id: str | None = None

    @property
    def offers(self) -> tuple[ModeOffer, ...]:
        """The ways to attend, each with its places."""
        places = {
            Mode.IN_PERSON: self.in_person_capacity,
            Mode.ONLINE: self.online_capacity,
            Mode.PHONE: self.phone_capacity,
        }
        return tuple(ModeOffer(mode=mode, capacity=places[mode]) for mode in Mode if mode in self.modes)


class Series(Held):
    """What a coordinator says of a series."""

    missing: ClassVar[dict[str, str]] = Held.missing | {
        "group_id": "Choose the group",
        "weekday": "Choose the day",
        "starts_on": "Enter the day of the first meeting",
    }
    wrong: ClassVar[dict[str, str]] = Held.wrong | {
        "starts_on": "Enter a day, for example 2026-12-01",
        "until": "Enter a day, for example 2027-06-30",
    }

    group_id: str
    repeats: Repeats = "weekly"
    weekday: int = Field(ge=0, le=6)
    ordinal: Literal["1", "2", "3", "4", "-1"] = "1"
    starts_on: date
    until: date | None = None
    skip: str | None = None
    step: Literal["preview", "schedule", "edit"] = "preview"

    @model_validator(mode="after")
    def _fits(self) -> Series:
        if self.until is not None and self.until < self.starts_on:
            raise ValueError("The last day is before the first one")
        return self

    def rule(self, zone: str) -> SeriesRule:
        """The rule in the contract's words. Raises ValueError for a day to skip that is no day."""
        skipped = tuple(date.fromisoformat(each) for each in (self.skip or "").replace(",", " ").split())
        return SeriesRule(
            rrule=rrule(self.repeats, self.weekday, int(self.ordinal), self.until, zone),
            starts_on=self.starts_on,
            starts=self.starts.replace(tzinfo=None),
            minutes=self.minutes,
            skip=skipped,
        )

    @property
    def said(self) -> str:
        """The rule as a sentence."""
        return sentence(self.repeats, self.weekday, int(self.ordinal))


FORM_FIELDS = {"rrule": "weekday", "minutes": "minutes", "starts_on": "starts_on", "skip": "skip", "offers": "modes"}


def named(refused: Refused) -> Refused:
    """The refusal, beside this form's own field."""
    field = (refused.field or "").removeprefix("rule.").split(".")[0]
    return Invalid(refused.message, field=FORM_FIELDS.get(field, field) or None)


def check(form: Form[Series], holdings: ChapterHoldings) -> None:
    """What only the chapter can tell: the group is its own; a mode has its place."""
    given = form.given
    if given.group_id not in {group.group_id for group in holdings.groups}:
        form.errors["group_id"] = "Choose a group of this chapter"
    check_place(form, given, holdings)
    try:
        given.rule(holdings.chapter.time_zone)
    except ValueError:
        form.errors["skip"] = "Enter days like 2026-12-24, with a space between them"


def check_place(form: Form[Any], given: Held, holdings: ChapterHoldings) -> None:
    """Venue and room are the chapter's own, and there where a way to attend needs them."""
    if given.venue_id and given.venue_id not in {venue.venue_id for venue in holdings.venues}:
        form.errors["venue_id"] = "Choose a venue of this chapter"
    if given.room_id and given.room_id not in {room.room_id for room in holdings.rooms}:
        form.errors["room_id"] = "Choose an online room of this chapter"
    if Mode.IN_PERSON in given.modes and not given.venue_id:
        form.errors.setdefault("venue_id", "Choose the venue, so that people know where to go")
    if {Mode.ONLINE, Mode.PHONE} & set(given.modes) and not given.room_id:
        form.errors.setdefault("room_id", "Choose the online room, so that people can be let in")


def _page(desk: ChapterDesk, holdings: ChapterHoldings, form: Form[Any]) -> Response:
    return desk.page(
        "new_series.html",
        status=form.status,
        form=form,
        holdings=holdings,
        chapter=holdings.chapter,
        weekdays=list(enumerate(WEEKDAYS)),
        ordinals=list(ORDINALS.items()),
    )


def _preview_page(desk: ChapterDesk, holdings: ChapterHoldings, form: Form[Series], preview: SeriesPreview) -> Response:
    given = form.given
    return desk.page(
        "series_preview.html",
        form=form,
        given=given,
        preview=preview,
        chapter=holdings.chapter,
        group=next(group for group in holdings.groups if group.group_id == given.group_id),
        venue=next((venue for venue in holdings.venues if venue.venue_id == given.venue_id), None),
        room=next((room for room in holdings.rooms if room.room_id == given.room_id), None),
        fields=list(hidden(form.values)),
    )


def hidden(values: dict[str, Any]) -> list[tuple[str, str]]:
    """What was typed, as name and value, to travel with the preview."""
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        if name not in ("step", "people"):
            pairs.extend((name, str(each)) for each in (value if isinstance(value, list) else [value]))
    return pairs


@router.get("/chapters/{chapter_id}/series/new")
async def new_series(desk: OwnChapter, group: str = "") -> Response:
    """The form."""
    holdings = await desk.holdings()
    today = local(desk.now, holdings.chapter.time_zone).date()
    only_group = holdings.groups[0].group_id if len(holdings.groups) == 1 else group
    form = blank(
        group_id=only_group,
        repeats="weekly",
        ordinal="1",
        starts_on=today.isoformat(),
        starts="19:00",
        minutes=90,
        modes=["in_person"],
        in_person_capacity=12,
        online_capacity=60,
        phone_capacity=20,
        venue_id=holdings.venues[0].venue_id if len(holdings.venues) == 1 else "",
        room_id=holdings.rooms[0].room_id if len(holdings.rooms) == 1 else "",
    )
    return _page(desk, holdings, form)


@router.post("/chapters/{chapter_id}/series/new")
async def schedule(desk: OwnChapter) -> Response:
    """Show the dates; on confirmation, schedule."""
    holdings, form = await desk.holdings(), await read_form(desk.request, Series)
    if form.ok:
        check(form, holdings)
    if not form.ok or form.given.step == "edit":
        return _page(desk, holdings, form)
    given, rule = form.given, form.given.rule(holdings.chapter.time_zone)
    try:
        if given.step == "preview":
            preview = await desk.ask(PreviewSeries(chapter_id=desk.chapter_id, rule=rule))
            return _preview_page(desk, holdings, form, preview)
        await desk.send(
            ScheduleSeries(
                group_id=GroupId(given.group_id),
                rule=rule,
                offers=given.offers,
                venue_id=VenueId(given.venue_id) if given.venue_id else None,
                room_id=RoomId(given.room_id) if given.room_id else None,
            ),
            form.request_id,
        )
    except Refused as refused:
        return _page(desk, holdings, form.refuse(named(refused)))
    await desk.note("scheduled_series", chapter_id=desk.chapter_id)
    return desk.go(f"/chapters/{desk.chapter_id}?done=series")
