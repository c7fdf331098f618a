"""A portal with a browser in front of it and scripted services behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from httpx import Response
from starlette.testclient import TestClient

from services.portal.settings import PortalSettings
from services.portal.store import metadata
from services.portal.web import make_portal
from shared.contracts.base import Channel, Done, Mode
from shared.contracts.feedback import CurrentForm, Form, Question, SubmitSlip
from shared.contracts.meetings import (
    Chapters,
    ChapterView,
    FindMeetings,
    Format,
    Kind,
    ListChapters,
    MeetingPage,
    Meetings,
    MeetingStatus,
    MeetingView,
    MembershipPolicy,
    ModeOffer,
    Place,
)
from shared.contracts.notifications import (
    AskCalendarFile,
    AskJoinDetails,
    CalendarFile,
    ConfirmCode,
    ContactView,
    JoinDetails,
    ListMyContacts,
    LockScreen,
    LockScreens,
    MyContacts,
    NoticeKind,
    Preferences,
    PreviewLockScreen,
    RemoveContact,
    SetPreferences,
    StartVerification,
    Unsubscribe,
    VerificationStarted,
    Verified,
)
from shared.contracts.registration import (
    AcceptAgreement,
    AgreementText,
    CurrentAgreement,
    DecideConsents,
    GiveUpSeat,
    Join,
    Leave,
    ListMySeats,
    MeetingOpening,
    Membership,
    ModeOpening,
    MyMembership,
    MySeats,
    Openings,
    OpeningsView,
    SeatState,
    SeatView,
    SwitchMode,
    TakeSeat,
)
from shared.runtime.clock import SteppedClock, real_now
from shared.storage.engine import make_engine
from tests.support.asking import LocalAsking
from tests.support.world import ring

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
URL = "https://portal.example.org"


def a_meeting(meeting_id: str = "m1", **changed: Any) -> MeetingView:
    """A hybrid meeting on Tuesday evening in Chicago."""
    facts: dict[str, Any] = {
        "meeting_id": meeting_id,
        "series_id": "s1",
        "group_id": "g1",
        "chapter_id": "c1",
        "chapter_name": "Lakeside",
        "group_name": "Tuesday circle",
        "purpose": "A place to talk",
        "kind": Kind.PEER,
        "format": Format.SHARING_CIRCLE,
        "audience": "adults",
        "languages": ("en",),
        "access": "Step-free",
        "policy": MembershipPolicy.OPEN,
        "revision": 1,
        "status": MeetingStatus.SCHEDULED,
        "starts_at": datetime(2026, 11, 4, 1, 0, tzinfo=UTC),
        "ends_at": datetime(2026, 11, 4, 2, 30, tzinfo=UTC),
        "time_zone": "America/Chicago",
        "place": Place(venue_id="v1", name="Library", address="1 Main St", city="Chicago"),
        "offers": (ModeOffer(mode=Mode.IN_PERSON, capacity=12), ModeOffer(mode=Mode.ONLINE, capacity=60)),
        "online_instead": False,
        "has_room": True,
    }
    return MeetingView(**{**facts, **changed})


@dataclass
class Browser:
    """Walks through the pages as a person does: opens, fills in the form that is there, presses its button."""

    client: TestClient
    asking: LocalAsking
    page: Response = field(init=False)

    def open(self, path: str) -> str:
        """Open a page; its text."""
        self.page = self.client.get(path)
        return self.text

    @property
    def text(self) -> str:
        """The page's main part as a person reads it."""
        main = re.search(r"<main.*?</main>", self.page.text, re.DOTALL)
        words = re.sub(r"<[^>]+>", " ", main.group(0) if main else self.page.text)
        return " ".join(unescape(words).split())

    @property
    def path(self) -> str:
        """Where the browser is."""
        return self.page.url.path

    def secrets(self, action: str | None = None) -> dict[str, str]:
        """The hidden fields of the form with this address on the page."""
        forms = re.findall(
            r"<form[^>]*method=\"post\"[^>]*action=\"([^\"]+)\"[^>]*>(.*?)</form>", self.page.text, re.DOTALL
        )
        for address, body in forms:
            if action is None or address == action:
                hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', body)
                return {name: unescape(value) for name, value in hidden}
        raise AssertionError(f"no form for {action} on {self.path}: {[address for address, _ in forms]}")

    def press(self, action: str, **fields: Any) -> str:
        """Fill in and send the form with this address; the text of the page that comes."""
        self.page = self.client.post(action, data={**self.secrets(action), **fields})
        return self.text

    def opened(self, sealed: str, service: str) -> str:
        """What was sealed to a service."""
        return ring(service).unseal(sealed)  # type: ignore[arg-type]

    def sign_in(self, member_id: str = "ana") -> None:
        """Walk in as someone who is known."""
        self.asking.answer(ConfirmCode, Verified(member_id=member_id, known=True))  # type: ignore[arg-type]
        self.open("/sign-in")
        self.press("/sign-in", channel="email", contact=f"{member_id}@example.org")
        self.press("/join/code", code="123 456")
        assert self.path == "/my/meetings"


MEMBER = Membership(joined=True, alias="Ana", agreement_current=True)


@pytest.fixture
def asking() -> LocalAsking:
    """Services that answer as on a good day."""
    asking = LocalAsking("portal")
    meeting = a_meeting()
    chapter = ChapterView(
        chapter_id="c1",  # type: ignore[arg-type]
        region_id="r1",  # type: ignore[arg-type]
        name="Lakeside",
        slug="lakeside",
        time_zone="America/Chicago",
        languages=("en",),
    )
    asking.answer(ListChapters, Chapters(region_name="Region", region_id="r1", chapters=(chapter,)))  # type: ignore[arg-type]
    asking.answer(FindMeetings, Meetings(meetings=(meeting,)))
    asking.answer(MeetingPage, meeting)
    modes = (ModeOpening(mode=Mode.IN_PERSON, free=False), ModeOpening(mode=Mode.ONLINE, free=True))
    asking.answer(Openings, OpeningsView(meetings=(MeetingOpening(meeting_id=meeting.meeting_id, modes=modes),)))
    asking.answer(
        StartVerification,
        VerificationStarted(verification_id="ver1", expires_at=real_now() + timedelta(minutes=10)),
    )
    asking.answer(ConfirmCode, lambda command, _: Verified(member_id=command.member_id, known=False))
    asking.answer(MyMembership, MEMBER)
    asking.answer(
        CurrentAgreement,
        AgreementText(
            version=3, title="What we agree on", paragraphs=("What is said here stays here.", "Except danger.")
        ),
    )
    asking.answer(Join, Done())
    asking.answer(AcceptAgreement, Done())
    asking.answer(DecideConsents, Done())
    asking.answer(Leave, Done())
    seat = a_seat()
    asking.answer(TakeSeat, seat)
    asking.answer(SwitchMode, seat)
    asking.answer(GiveUpSeat, Done())
    asking.answer(ListMySeats, MySeats(seats=(seat,)))
    asking.answer(AskJoinDetails, JoinDetails(mode=Mode.IN_PERSON, place="Library, 1 Main St"))
    asking.answer(AskCalendarFile, CalendarFile(body="BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"))
    contact = ContactView(
        contact_point_id="p1",  # type: ignore[arg-type]
        channel=Channel.EMAIL,
        masked="a…@e….org",
        suppressed=False,
    )
    asking.answer(ListMyContacts, MyContacts(contacts=(contact,), preferences=Preferences()))
    asking.answer(SetPreferences, Done())
    asking.answer(RemoveContact, Done())
    asking.answer(Unsubscribe, Done())
    asking.answer(
        PreviewLockScreen,
        lambda query, _: LockScreens(
            previews=(
                LockScreen(
                    kind=NoticeKind.REMINDER, channel=Channel.EMAIL, sender="CH", line=f"line-{query.discretion}"
                ),
            )
        ),
    )
    question = Question(question_id="heard", text="Did you feel heard?", labels=("No", "A little", "Yes"))
    asking.answer(
        CurrentForm, Form(form_id="f1", title="How was it?", intro="Two minutes.", questions=(question,), source="Ours")
    )
    asking.answer(SubmitSlip, Done())
    return asking


def a_seat(state: SeatState = SeatState.CONFIRMED, mode: Mode = Mode.IN_PERSON, line: int | None = None) -> SeatView:
    """Ana's seat."""
    return SeatView(seat_id="seat1", meeting_id="m1", mode=mode, state=state, place_in_line=line)  # type: ignore[arg-type]


@pytest.fixture
def browser(asking: LocalAsking) -> Iterator[Browser]:
    """A browser on the portal."""
    engine = make_engine("sqlite://")
    metadata.create_all(engine)
    settings = PortalSettings(portal_url=URL)
    app = make_portal(settings, keys=ring("portal"), engine=engine, clock=SteppedClock(NOW), open_asking=asking.opened)
    with TestClient(app, base_url=URL) as client:
        yield Browser(client, asking)
    engine.dispose()
