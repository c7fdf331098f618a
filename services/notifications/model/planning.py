"""Which notices follow from what happened, and when each is due. All of it commutes: the order of news is nobody's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.notifications.messages import Change
from services.notifications.model.kinds import CHANGES
from services.notifications.model.records import Meeting, Seat
from shared.contracts.notifications import NoticeKind
from shared.contracts.registration import SeatReason, SeatState

LATE_REMINDER = timedelta(hours=2)
"""When those are reminded who took their seat after the reminders had gone out."""
CANCELLED = "cancelled"


@dataclass(frozen=True)
class News:
    """One thing to tell one person. ``version`` is the part of the natural key that tells it from other news."""

    kind: NoticeKind
    version: str
    revision: int | None = None
    seat_change: int | None = None


def change_news(revision: int) -> News:
    """That a meeting is not as it was, as of this revision."""
    return News(NoticeKind.MEETING_CHANGED, str(revision), revision=revision)


def cancel_news(revision: int) -> News:
    """That a meeting does not take place: once, whatever the revision."""
    return News(NoticeKind.MEETING_CANCELLED, CANCELLED, revision=revision)


def seat_news(seat: Seat) -> News:
    """What its member is told of this state of a seat.

    A seat that the meeting's change moved is told of as that change, under the same key as the change itself:
    whichever news comes first, nobody is told twice and nobody is missed.
    """
    if seat.reason is SeatReason.MOVED:
        return change_news(seat.meeting_revision)
    if seat.reason is SeatReason.MEETING_CANCELLED:
        return cancel_news(seat.meeting_revision)
    kind = {
        SeatState.CONFIRMED: NoticeKind.SEAT_CONFIRMED,
        SeatState.WAITLISTED: NoticeKind.SEAT_WAITLISTED,
        SeatState.RELEASED: NoticeKind.SEAT_RELEASED,
    }[seat.state]
    if kind is NoticeKind.SEAT_CONFIRMED and seat.reason is SeatReason.PROMOTED:
        kind = NoticeKind.SEAT_PROMOTED
    return News(kind, f"seat {seat.change}", seat_change=seat.change)


def newest(seats: Iterable[Seat]) -> list[Seat]:
    """The newest state of each seat among these."""
    found: dict[str, Seat] = {}
    for seat in seats:
        known = found.get(seat.seat_id)
        if known is None or seat.change > known.change:
            found[seat.seat_id] = seat
    return list(found.values())


def told_of(what: str, revision: int, seats: Iterable[Seat]) -> list[Seat]:
    """Who is told of a change or cancellation: who held a seat, or a place in line, as things were before it."""
    if what == CANCELLED:
        before = [seat for seat in seats if seat.reason is not SeatReason.MEETING_CANCELLED]
    else:
        before = [seat for seat in seats if seat.meeting_revision < revision]
    return [seat for seat in newest(before) if seat.held]


def change_words(what: str | None) -> Change:
    """How wording calls a change."""
    if what == "moved_online":
        return "moved_online"
    return "moved_back" if what == "moved_back" else "moved"


def expiry(kind: NoticeKind, meeting: Meeting) -> datetime:
    """From when a notice about this meeting would only confuse: its start; its end for who may be on the way."""
    return meeting.ends_at if kind in CHANGES else meeting.starts_at


def meeting_day(meeting: Meeting) -> str:
    """The local day on which it begins: a reminder belongs to a person, a meeting and a day."""
    return meeting.starts_at.astimezone(ZoneInfo(meeting.time_zone)).date().isoformat()


def held_since(seats: Iterable[Seat]) -> datetime | None:
    """Since when the newest state of one seat has been confirmed without a break, as far as was heard."""
    since: datetime | None = None
    for seat in sorted(seats, key=lambda each: each.change):
        if seat.state is not SeatState.CONFIRMED:
            since = None
        elif since is None:
            since = seat.heard_at
    return since


def was_moved(seats: Iterable[Seat]) -> bool:
    """Whether one seat is in its mode because a change put it there, and its member has not chosen since."""
    chosen = (SeatReason.TAKEN, SeatReason.SWITCHED, SeatReason.MOVED)
    deciding = newest(seat for seat in seats if seat.reason in chosen)
    return any(seat.reason is SeatReason.MOVED for seat in deciding)


def remind_at(meeting: Meeting, since: datetime, before: timedelta) -> datetime | None:
    """When someone who has had a seat ``since`` then is reminded; None where the seat is news enough."""
    for moment in (meeting.starts_at - before, meeting.starts_at - min(LATE_REMINDER, before)):
        if since <= moment:
            return moment
    return None
