"""What others told us: meetings, chapters, seats, consents, attendance, windows. Every handler commutes."""

from __future__ import annotations

from services.notifications.handlers.notices import tell
from services.notifications.model.planning import CANCELLED, cancel_news, change_news, seat_news, told_of
from services.notifications.model.records import Meeting, Seat
from services.notifications.work import Work
from shared.contracts.feedback import WindowClosed, WindowOpened
from shared.contracts.meetings import (
    ChapterOpened,
    MeetingCancelled,
    MeetingFacts,
    MeetingMoved,
    MeetingMovedBack,
    MeetingMovedOnline,
)
from shared.contracts.registration import AttendanceRecorded, ConsentDecided, MemberJoined, SeatFacts

_WHAT: dict[type[MeetingFacts], str] = {
    MeetingMoved: "moved",
    MeetingMovedOnline: "moved_online",
    MeetingMovedBack: "moved_back",
    MeetingCancelled: CANCELLED,
}


def open_chapter(event: ChapterOpened, work: Work) -> None:
    """Its name and zone are wanted for wording and quiet hours."""
    work.calendar.open_chapter(event)


def know_meeting(event: MeetingFacts, work: Work) -> None:
    """Keep the newest state, and tell everyone who holds a seat of a change, however late its news comes."""
    meeting = Meeting(
        meeting_id=event.meeting_id,
        chapter_id=event.chapter_id,
        region_id=event.region_id,
        group_name=event.group_name,
        revision=event.revision,
        status=event.status,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        time_zone=event.time_zone,
        place=event.place,
        modes=tuple(offer.mode for offer in event.offers),
    )
    if work.calendar.keep(meeting):
        work.notices.wake(event.meeting_id)
    what = _WHAT.get(type(event))
    if what is not None and work.calendar.note_change(event.meeting_id, event.revision, what):
        _tell_of(what, event.revision, work.calendar.seats(event.meeting_id), work)


def know_seat(event: SeatFacts, work: Work) -> None:
    """Keep this state of the seat; tell its member of it, and of every change that was known before the seat was."""
    seat = Seat(
        seat_id=event.seat_id,
        change=event.change,
        meeting_id=event.meeting_id,
        chapter_id=event.chapter_id,
        member_id=event.member_id,
        mode=event.mode,
        state=event.state,
        reason=event.reason,
        meeting_revision=event.meeting_revision,
        heard_at=work.now,
    )
    if not work.calendar.keep_seat(seat):
        return
    work.notices.wake(event.meeting_id)
    tell(work, seat_news(seat), [seat.member_id], seat.meeting_id, seat.chapter_id)
    known = work.calendar.changes(event.meeting_id)
    if known:
        states = work.calendar.seats(event.meeting_id, event.member_id)
        for revision, what in known:
            _tell_of(what, revision, states, work)


def _tell_of(what: str, revision: int, seats: list[Seat], work: Work) -> None:
    news = cancel_news(revision) if what == CANCELLED else change_news(revision)
    told = told_of(what, revision, seats)
    if told:
        tell(work, news, [seat.member_id for seat in told], told[0].meeting_id, told[0].chapter_id)


def know_member(event: MemberJoined, work: Work) -> None:
    """The id belongs to someone: it cannot be given to another."""
    work.members.join(event.member_id)


def know_consent(event: ConsentDecided, work: Work) -> None:
    """The newest decision stands, and what waited for it is looked at again. A yes lifts an unsubscribe before it."""
    if not work.members.decide(event):
        return
    work.notices.wake_undecided(event.member_id, event.channel)
    if not event.granted:
        return
    for contact in work.contacts.of(event.member_id):
        if contact.channel is event.channel:
            work.members.lift(
                contact.contact_hash, reason="unsubscribed", purpose=event.purpose.value, decided_before=event.decided
            )


def know_attendance(event: AttendanceRecorded, work: Work) -> None:
    """Who attended may be asked for feedback; the timer looks for windows, in whatever order the news came."""
    if not work.members.stays(event.member_id):
        return
    work.feedback.attend(event)


def open_window(event: WindowOpened, work: Work) -> None:
    """Attendances within it may be asked about."""
    work.feedback.open(event)


def close_window(event: WindowClosed, work: Work) -> None:
    """Nobody is asked any more."""
    work.feedback.close(event.window_id, event.region_id)
