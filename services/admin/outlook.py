"""What a change of a series would do: to each date, to whom, in which words."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, datetime

from services.admin.access import ChapterDesk
from services.admin.pages.meetings import told_people
from shared.contracts.base import MeetingId, Mode
from shared.contracts.meetings import (
    DateOutcome,
    DatePreview,
    PreviewSeriesChange,
    SeriesChange,
    SeriesChangePreview,
    SeriesPlan,
)
from shared.contracts.notifications import ChangePreview, PreviewChange
from shared.contracts.registration import ListMeetingSeats, MeetingSeats, SeatState
from shared.gateway.web import site_of
from shared.gateway.wording import MODES, day_of, time_of

TOLD = (DateOutcome.MOVED, DateOutcome.CANCELLED)


@dataclass(frozen=True)
class Line:
    """One date in the preview."""

    day: str
    becomes: str
    seats: int


@dataclass(frozen=True)
class Outlook:
    """All that a person looks at before they decide."""

    lines: list[Line]
    count: int  # people who are written to
    words: list[tuple[str, ChangePreview]]
    crowded: list[str]  # where more hold a seat than there would be places
    notes: tuple[str, ...]
    changes: bool


async def outlook(desk: ChapterDesk, plan: SeriesPlan, from_date: date, change: SeriesChange | None) -> Outlook:
    """Ask what would become of each date, and who holds a seat there. Raises Refused as the command would."""
    preview = await desk.ask(PreviewSeriesChange(series_id=plan.series_id, from_date=from_date, change=change))
    concerned = [each.meeting_id for each in preview.dates if each.meeting_id]
    found = await asyncio.gather(*(desk.ask(ListMeetingSeats(meeting_id=each)) for each in concerned))
    seats = dict(zip(concerned, found, strict=True))
    told = {
        row.member_id
        for each in preview.dates
        if each.outcome in TOLD and each.meeting_id
        for row in seats[each.meeting_id].seats
        if row.state is not SeatState.RELEASED
    }
    return Outlook(
        lines=[_line(each, preview.time_zone, seats, site_of(desk.request).locale) for each in preview.dates],
        count=len(told),
        words=await _words(desk, plan, preview, change, seats),
        crowded=_crowded(preview, change, seats),
        notes=preview.notes,
        changes=change is None
        or change.rrule is not None
        or any(each.outcome is not DateOutcome.STAYS for each in preview.dates),
    )


def _line(at: DatePreview, zone: str, seats: dict[MeetingId, MeetingSeats], locale: str) -> Line:
    def said(moment: datetime) -> str:
        return f"{day_of(moment, zone)}, {time_of(moment, zone, locale)}"

    held = told_people(seats[at.meeting_id]) if at.meeting_id else 0
    shown = at.before or at.after
    return Line(said(shown) if shown else "", _becomes(at, said(at.after) if at.after else ""), held)


def _becomes(at: DatePreview, after: str) -> str:
    if at.outcome is DateOutcome.MOVED and at.after == at.before:
        return "Same day and hour, otherwise changed"
    if at.outcome is DateOutcome.STAYS and at.by_hand:
        return "Stays as you set it by hand"
    return {
        DateOutcome.STAYS: "Stays as it is",
        DateOutcome.RESIZED: "Other places, nobody is written to",
        DateOutcome.MOVED: f"Moves to {after}",
        DateOutcome.CANCELLED: "Cancelled",
        DateOutcome.ADDED: "New",
    }[at.outcome]


async def _words(
    desk: ChapterDesk,
    plan: SeriesPlan,
    preview: SeriesChangePreview,
    change: SeriesChange | None,
    seats: dict[MeetingId, MeetingSeats],
) -> list[tuple[str, ChangePreview]]:
    """The first notice of each kind that would leave, as it would be read."""
    venues = (await desk.holdings()).venues
    place = next((venue for venue in venues if change and venue.venue_id == change.venue_id), None)
    words = []
    for outcome, title in ((DateOutcome.MOVED, "a meeting that moves"), (DateOutcome.CANCELLED, "a cancelled meeting")):
        first = _first(preview, outcome, seats)
        if first is not None and first.meeting_id is not None:
            query = PreviewChange(
                meeting_id=first.meeting_id,
                change="moved" if outcome is DateOutcome.MOVED else "cancelled",
                starts_at=first.after,
                ends_at=first.ends,
                place=place,
            )
            words.append((title, await desk.ask(query)))
    return words


def _first(
    preview: SeriesChangePreview, outcome: DateOutcome, seats: dict[MeetingId, MeetingSeats]
) -> DatePreview | None:
    with_people = (at for at in preview.dates if at.meeting_id and told_people(seats[at.meeting_id]))
    return next((at for at in with_people if at.outcome is outcome), None)


def _crowded(
    preview: SeriesChangePreview, change: SeriesChange | None, seats: dict[MeetingId, MeetingSeats]
) -> list[str]:
    """Where people would lose a place that they have."""
    if change is None:
        return []
    places = {offer.mode: offer.capacity for offer in change.offers}
    said = []
    for at in preview.dates:
        if at.outcome in (DateOutcome.MOVED, DateOutcome.RESIZED) and at.meeting_id and at.after:
            said += [
                f"{day_of(at.after, preview.time_zone)}: {count.confirmed} hold a seat {_mode(count.mode)}, "
                f"for {places.get(count.mode, 0)} places"
                for count in seats[at.meeting_id].counts
                if count.confirmed > places.get(count.mode, 0)
            ]
    return said


def _mode(mode: Mode) -> str:
    return MODES[mode][:1].lower() + MODES[mode][1:]
