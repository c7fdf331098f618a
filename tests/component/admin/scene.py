"""A scripted network for page tests: two chapters, one meeting in each, a few people with seats."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

import httpx
from fastapi.testclient import TestClient

from services.admin.accounts import Book
from shared.contracts import feedback as f
from shared.contracts import meetings as m
from shared.contracts import notifications as n
from shared.contracts import registration as r
from shared.contracts.base import Actor, Channel, Done, Mode, Role
from shared.contracts.errors import NotFound
from shared.runtime.clock import real_now
from tests.support.asking import LocalAsking

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
NORTH, SOUTH = "chapter-north", "chapter-south"
HERE, THERE = "meeting-north", "meeting-south"
ZONE = "America/Chicago"
PLACE = m.Place(venue_id="venue-1", name="Riverside Library", address="1 River Rd", city="Evanston")


def chapter(chapter_id: str, name: str) -> m.ChapterView:
    return m.ChapterView(
        chapter_id=chapter_id, region_id="region-1", name=name, slug=name.lower(), time_zone=ZONE, languages=("en",)
    )


def meeting(meeting_id: str = HERE, chapter_id: str = NORTH, **changes: Any) -> m.MeetingView:
    given: dict[str, Any] = {
        "meeting_id": meeting_id,
        "series_id": "series-1",
        "group_id": "group-1",
        "chapter_id": chapter_id,
        "chapter_name": "North" if chapter_id == NORTH else "South",
        "group_name": "Tuesday circle",
        "purpose": "To listen",
        "kind": m.Kind.PEER,
        "format": m.Format.SHARING_CIRCLE,
        "audience": "",
        "languages": ("en",),
        "access": "",
        "policy": m.MembershipPolicy.OPEN,
        "revision": 1,
        "status": m.MeetingStatus.SCHEDULED,
        "starts_at": NOW + timedelta(hours=10),
        "ends_at": NOW + timedelta(hours=11, minutes=30),
        "time_zone": ZONE,
        "place": PLACE,
        "offers": (m.ModeOffer(mode=Mode.IN_PERSON, capacity=2), m.ModeOffer(mode=Mode.ONLINE, capacity=60)),
        "online_instead": False,
        "has_room": True,
    }
    return m.MeetingView(**{**given, **changes})


def seat(name: str, mode: Mode = Mode.IN_PERSON, state: r.SeatState = r.SeatState.CONFIRMED, **more: Any) -> r.SeatRow:
    given: dict[str, Any] = {
        "seat_id": f"seat-{name}",
        "member_id": f"member-{name}",
        "alias": name,
        "mode": mode,
        "state": state,
        "place_in_line": 1 if state is r.SeatState.WAITLISTED else None,
        "first_time": False,
        "outcome": None,
        "attended_mode": None,
    }
    return r.SeatRow(**{**given, **more})


SEATS = (
    seat("Ana", first_time=True),
    seat("Ben"),
    seat("Cleo", Mode.ONLINE),
    seat("Dov", state=r.SeatState.WAITLISTED),
)


def seats(*rows: r.SeatRow, **more: Any) -> r.MeetingSeats:
    counts = tuple(
        r.ModeCount(
            mode=mode,
            capacity=capacity,
            confirmed=sum(1 for row in rows if row.mode is mode and row.state is r.SeatState.CONFIRMED),
            waiting=sum(1 for row in rows if row.mode is mode and row.state is r.SeatState.WAITLISTED),
        )
        for mode, capacity in ((Mode.IN_PERSON, 2), (Mode.ONLINE, 60))
    )
    return r.MeetingSeats(
        **{"meeting_id": HERE, "counts": counts, "seats": rows, "guests": (), "attendance_closed": False, **more}
    )


def holdings() -> m.ChapterHoldings:
    group = m.GroupView(
        group_id="group-1",
        chapter_id=NORTH,
        name="Tuesday circle",
        purpose="To listen",
        kind=m.Kind.PEER,
        format=m.Format.SHARING_CIRCLE,
        audience="",
        languages=("en",),
        access="",
        policy=m.MembershipPolicy.OPEN,
    )
    return m.ChapterHoldings(
        chapter=chapter(NORTH, "North"),
        groups=(group,),
        venues=(PLACE,),
        rooms=(m.RoomView(room_id="room-1", name="Tuesday room", has_link=True, has_dial_in=False),),
        series=(
            m.SeriesLine(series_id="series-1", group_id="group-1", days="every week on Tuesday", starts=time(19, 0)),
        ),
    )


def series(**changes: Any) -> m.SeriesPlan:
    given: dict[str, Any] = {
        "series_id": "series-1",
        "group_id": "group-1",
        "group_name": "Tuesday circle",
        "chapter_id": NORTH,
        "chapter_name": "North",
        "time_zone": ZONE,
        "days": "every week on Tuesday",
        "starts": time(19, 0),
        "minutes": 90,
        "offers": meeting().offers,
        "venue_id": PLACE.venue_id,
        "room_id": "room-1",
        "over": False,
        "as_of": NOW,
        "meetings": (meeting(),),
    }
    return m.SeriesPlan(**{**given, **changes})


def dates(*outcomes: m.DateOutcome) -> m.SeriesChangePreview:
    """A preview with one date of each outcome, a week apart."""
    found = []
    for at, outcome in enumerate(outcomes):
        before = NOW + timedelta(days=7 * at, hours=10)
        after = None if outcome is m.DateOutcome.CANCELLED else before - timedelta(hours=1)
        found.append(
            m.DatePreview(
                outcome=outcome, meeting_id=HERE, before=before, after=after, ends=after and after + timedelta(hours=1)
            )
        )
    return m.SeriesChangePreview(dates=tuple(found), time_zone=ZONE, notes=("The clocks change.",))


def progress(**changes: Any) -> n.Progress:
    given: dict[str, Any] = {
        "meeting_id": HERE, "revision": 2, "due": 4, "reached": 4, "waiting": 0, "unreached": (), "complete": True,
    }  # fmt: skip
    return n.Progress(**{**given, **changes})


OPEN_WINDOW = f.WindowView(
    window_id="window-open",
    name="November 2026",
    state=f.WindowState.OPEN,
    opens_at=NOW - timedelta(days=20),
    closes_at=NOW + timedelta(days=6),
    last_slip_at=NOW + timedelta(days=9),
)
CLOSED_WINDOW = OPEN_WINDOW.model_copy(
    update={"window_id": "window-closed", "name": "October 2026", "state": f.WindowState.CLOSED}
)


def report() -> f.Report:
    question = f.QuestionFigures(
        question_id="q1", text="I felt heard", labels=("No", "Yes"), answered=15, shares=(5, 10), band="mostly"
    )
    hidden = question.model_copy(
        update={"question_id": "q2", "text": "I felt safe", "shares": None, "answered": None, "why": "too few answered"}
    )
    return f.Report(
        window=CLOSED_WINDOW,
        minimum=10,
        rounding=5,
        region=f.BlockReport(chapter_id=None, persons=15, withheld=None, questions=(question, hidden)),
        chapters=(
            f.BlockReport(chapter_id=NORTH, persons=None, withheld="fewer than 10 answered", questions=()),
            f.BlockReport(chapter_id=SOUTH, persons=None, withheld="it would give away North's", questions=()),
        ),
        rules=("Fewer than 10 people are never shown.",),
    )


def _meeting_page(query: m.MeetingPage, _actor: Actor) -> m.MeetingView:
    known = {HERE: meeting(), THERE: meeting(THERE, SOUTH)}
    if query.meeting_id not in known:
        raise NotFound("there is no such meeting")  # as the service says it
    return known[query.meeting_id]


def _series_page(query: m.SeriesPage, _actor: Actor) -> m.SeriesPlan:
    if query.series_id not in ("series-1", "series-south"):
        raise NotFound("no such series")
    return series() if query.series_id == "series-1" else series(chapter_id=SOUTH)


def script(asking: LocalAsking) -> None:
    """Answers for everything that a page may ask."""
    asking.answer(m.MeetingPage, _meeting_page)
    asking.answer(m.ListChapters, m.Chapters(region_name="Lakeside", region_id="region-1", chapters=(chapter(NORTH, "North"), chapter(SOUTH, "South"))))  # fmt: skip
    asking.answer(m.FindMeetings, m.Meetings(meetings=(meeting(), meeting(THERE, SOUTH))))
    asking.answer(m.ChapterPage, holdings())
    asking.answer(m.PreviewSeries, m.SeriesPreview(starts=(NOW, NOW + timedelta(days=7)), time_zone=ZONE, notes=("The clocks change.",)))  # fmt: skip
    asking.answer(m.ScheduleSeries, m.SeriesView(series_id="series-2", meetings=(HERE,)))
    asking.answer(m.FoundGroup, m.GroupAnswer(group_id="group-2"))
    asking.answer(m.AddVenue, m.VenueAnswer(venue_id="venue-2"))
    asking.answer(m.AddRoom, m.RoomAnswer(room_id="room-2"))
    asking.answer(m.OpenChapter, m.ChapterAnswer(chapter_id="chapter-new"))
    asking.answer(m.SeriesPage, _series_page)
    asking.answer(m.PreviewSeriesChange, dates(m.DateOutcome.MOVED, m.DateOutcome.CANCELLED))
    for change in (m.MoveMeeting, m.ChangeSeries, m.StopSeries):
        asking.answer(change, Done())
    for change in (m.MoveOnline, m.MoveBack, m.CancelMeeting, r.MarkAttendance, r.CloseAttendance, n.SettleHeld):
        asking.answer(change, Done())
    asking.answer(r.AddWalkIn, r.GuestAnswer(guest_id="guest-1"))
    asking.answer(r.ListMeetingSeats, seats(*SEATS))
    asking.answer(r.CountSeats, r.MeetingFigures(meetings=(r.SeatFigures(meeting_id=HERE, counts=seats(*SEATS).counts, attendance_closed=False),)))  # fmt: skip
    asking.answer(n.PreviewChange, n.ChangePreview(subject="A change to your plan", email_text="Tonight is online.", sms_text="Tonight: online.", sms_parts=1))  # fmt: skip
    asking.answer(n.NoticeProgress, progress())
    asking.answer(f.ListWindows, f.Windows(windows=(OPEN_WINDOW, CLOSED_WINDOW)))
    asking.answer(f.ReadReport, report())
    asking.answer(f.OpenWindow, f.WindowAnswer(window_id="window-new"))


def unreached(name: str, reason: str, state: n.NoticeState = n.NoticeState.REFUSED) -> n.Unreached:
    return n.Unreached(
        member_id=f"member-{name}",
        notice_id=f"notice-{name}",
        channel=Channel.SMS if reason != "no_contact" else None,
        state=state,
        reason=reason,
        explanation=f"Because of {reason}.",
        next_step="Call them, if you can.",
    )


class Browser:
    """A browser without script: follows pages, sends the forms that it was shown."""

    def __init__(self, client: TestClient, asking: LocalAsking, book: Book) -> None:
        self.client, self.asking, self.book = client, asking, book
        self.page = ""

    def get(self, url: str, status: int = 200, **headers: str) -> str:
        """Open a page; what it leads to."""
        return self._took(self.client.get(url, headers=headers), status)

    def post(self, url: str, status: int = 200, *, files: Any = None, fragment: bool = False, **data: Any) -> str:
        """Send a form with the hidden fields of the page that is open; what it leads to."""
        hidden = {name: found[1] for name in ("csrf", "request_id") if (found := self._hidden(name))}
        headers = {"HX-Request": "true"} if fragment else {}
        answer = self.client.post(url, data={**hidden, **data}, files=files, headers=headers)
        return self._took(answer, status)

    def _hidden(self, name: str) -> re.Match[str] | None:
        return re.search(rf'name="{name}" value="([^"]*)"', self.page)

    def _took(self, answer: httpx.Response, status: int) -> str:
        assert answer.status_code == status, f"{answer.status_code} {answer.url}: {answer.text[-1500:]}"
        self.page, self.url = answer.text, str(answer.url)
        return self.page

    def sign_in(self, role: Role = Role.COORDINATOR, *chapters: str, name: str = "Robin") -> str:
        """A session of a new account, without the pages; its account id."""
        import pyotp  # noqa: PLC0415

        own = chapters or ((NORTH,) if role is Role.COORDINATOR else ())
        account_id = self.book.accept(
            self.book.create_invitation(role, own),
            shown_name=name,
            user_name=f"{name.lower()}-{role}",
            password="four quiet words here",
        )
        account = self.book.get(account_id)
        assert account is not None
        assert self.book.confirm_totp(account_id, pyotp.TOTP(account.totp).at(real_now())) is not None
        sessions = self.client.app.state.sessions  # type: ignore[attr-defined]
        self.client.cookies.set("session-admin", sessions.begin(account_id, client="Firefox on Linux"))
        return account_id
