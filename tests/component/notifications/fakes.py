"""Fakes that keep the contracts of the neighbouring rooms, and a notifications service on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select

from services.notifications.messages import (
    Accepted,
    Calendar,
    Facts,
    Inbound,
    Message,
    Permanent,
    Receipt,
    Result,
    Transient,
    Unknown,
    Worded,
)
from services.notifications.outfit import Answer, Form, Outfit
from services.notifications.service import NotificationsService
from services.notifications.settings import NotificationsSettings
from services.notifications.store import NotificationsWork
from services.notifications.store.tables import deliveries, notices
from shared.contracts.base import Actor, Channel, Mode, Role
from shared.contracts.errors import Unreachable
from shared.contracts.feedback import DrawCode, DrawnCode, WindowOpened
from shared.contracts.meetings import (
    AskJoinLink,
    ChapterOpened,
    JoinLink,
    MeetingFacts,
    MeetingScheduled,
    MeetingStatus,
    ModeOffer,
    Place,
)
from shared.contracts.notifications import (
    ConfirmCode,
    Discretion,
    LockScreen,
    NoticeKind,
    ReceiveCallback,
    StartVerification,
    Verified,
)
from shared.contracts.registration import (
    AttendanceRecorded,
    ConsentDecided,
    MemberJoined,
    Outcome,
    Purpose,
    SeatConfirmed,
    SeatFacts,
    SeatReason,
    SeatReleased,
    SeatState,
    SeatWaitlisted,
)
from shared.runtime.clock import SteppedClock
from shared.runtime.parts import Parts
from shared.runtime.settings import Settings
from shared.storage.engine import make_engine
from shared.storage.work import Store
from tests.support.world import VISITOR, World, ring

NOW = datetime(2026, 11, 2, 15, 0, tzinfo=UTC)  # 9:00 in Chicago
STARTS = datetime(2026, 11, 4, 1, 0, tzinfo=UTC)  # Tuesday 19:00 in Chicago
ZONE = "America/Chicago"
CHAPTER, REGION, GROUP, MEETING = "chapter-1", "region-1", "group-1", "meeting-1"
PROVIDER = Actor(role=Role.PROVIDER)


class FakeWording:
    """Says the facts in a fixed form, so that tests can look for them."""

    def words(self, kind: NoticeKind, channel: Channel, level: Discretion, locale: str, facts: Facts) -> Worded:
        said = [kind.value, level.value, facts.mode.value if facts.mode else "", facts.change or ""]
        said += [facts.place or "", facts.link or "", facts.dial_in or "", "later" if facts.link_comes_later else ""]
        said += [f"code {facts.code}" if facts.code else "", facts.starts.isoformat() if facts.starts else ""]
        text = "|".join(said)
        return Worded(text=text, subject=kind.value if channel is Channel.EMAIL else None)

    def calendar(
        self, kind: NoticeKind, level: Discretion, locale: str, facts: Facts, *, organizer: str, attendee: str
    ) -> Calendar | None:
        if kind in (NoticeKind.SEAT_RELEASED, NoticeKind.MEETING_CANCELLED):
            return Calendar("CANCEL", f"{facts.member_ref} {facts.revision} {attendee}")
        if kind in (NoticeKind.SEAT_CONFIRMED, NoticeKind.SEAT_PROMOTED, NoticeKind.MEETING_CHANGED):
            return Calendar("REQUEST", f"{facts.member_ref} {facts.revision} {attendee}")
        return None

    def calendar_file(self, level: Discretion, locale: str, facts: Facts) -> str:
        return f"BEGIN:VCALENDAR {level.value} {facts.meeting_id} {facts.link}"


@dataclass
class FakeSender:
    """A provider in memory: ``answers`` are given in turn, then everything is accepted."""

    answers: list[Result | Exception] = field(default_factory=list)
    finds: list[Result] = field(default_factory=list)
    taken: list[Message] = field(default_factory=list)
    tried: list[Message] = field(default_factory=list)
    found: list[Message] = field(default_factory=list)
    before: Callable[[Message], None] = lambda _message: None

    def send(self, message: Message) -> Result:
        self.before(message)
        self.tried.append(message)
        answer = self.answers.pop(0) if self.answers else Accepted(f"SM{len(self.tried)}")
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Accepted):
            self.taken.append(message)
        return answer

    def find(self, message: Message) -> Result:
        self.found.append(message)
        if self.finds:
            return self.finds.pop(0)
        return Unknown("no_lookup") if message.channel is Channel.EMAIL else Transient("not_found")


class FakeCallbacks:
    """Reads forms that are signed "good"."""

    def read(self, url: str, form: Form, signature: str) -> Inbound | Receipt | None:
        if signature != "good":
            return None
        fields = dict(form)
        if "Body" in fields:
            return Inbound(fields["From"], fields["Body"], fields["MessageSid"], fields.get("OptOutType"))
        ranks: dict[str, tuple[int, Result | None]] = {
            "sent": (40, None),
            "undelivered": (50, Permanent("landline", suppress=True)),
            "failed": (50, Transient("unreachable")),
            "delivered": (60, Accepted(fields["MessageSid"])),
        }
        rank, result = ranks[fields["MessageStatus"]]
        return Receipt(fields["MessageSid"], fields["MessageStatus"], rank, result)

    def answer(self, to: Answer, locale: str) -> str:
        return f"answer to {to}"

    def body(self, text: str | None) -> str:
        return f"<Response>{text or ''}</Response>"


class Neighbours:
    """Meetings and feedback, as far as notifications asks them."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.away = False

    def ask(self, request: Any) -> Any:
        self.asked.append(request)
        if self.away:
            raise Unreachable("nobody there")
        seal = ring("meetings").seal_for
        if isinstance(request, AskJoinLink):
            return JoinLink(
                link=seal("notifications", "https://room.example/abc"),
                dial_in=seal("notifications", "+13125550100"),
                passcode=seal("notifications", "4711"),
            )
        assert isinstance(request, DrawCode)
        return DrawnCode(
            code=seal("notifications", f"FB{len(self.asked):04d}"), last_slip_at=STARTS + timedelta(days=10)
        )


class Town(World):
    """A world with everything round the service, and short ways to say what happens in it."""

    def __init__(self, engine: Engine | None = None, *, keys: Any = None, **settings: Any) -> None:
        engine = engine or make_engine("sqlite://")
        NotificationsService.metadata.create_all(engine)
        clock = SteppedClock(NOW)
        store = Store(engine, NotificationsWork, ring("notifications"), clock)
        self.mail, self.sms = FakeSender(), FakeSender()
        self.neighbours = Neighbours()
        self.settings = NotificationsSettings(**{"lanes": 1, "portal_url": "https://portal.example", **settings})
        self.parts = Parts(Settings(), ring("notifications"), clock, store, self.neighbours.ask)
        super().__init__(self.new_service(), store, clock)

    def new_service(self) -> NotificationsService:
        outfit = Outfit(
            wording=FakeWording(),
            sender=lambda channel: self.mail if channel is Channel.EMAIL else self.sms,
            callbacks=FakeCallbacks(),
            lock_screens=lambda level, _locale: (
                LockScreen(kind=NoticeKind.REMINDER, channel=Channel.SMS, sender="x", line=level.value),
            ),
            sms_parts=lambda text: 1 + len(text) // 160,
        )
        return NotificationsService(self.parts, settings=self.settings, outfit=outfit)

    # -- sending ------------------------------------------------------------------------------

    def send_all(self, *, most: int = 50) -> None:
        """Run the sending loop until it has nothing to do."""
        for _ in range(most):
            if not self.send_once():
                return
        raise AssertionError("the sending loop does not come to rest")

    def send_once(self) -> bool:
        """One round of every lane; whether there may be more."""
        mails, texts = self.service.send_mails(), self.service.send_texts()
        return mails or texts

    def sent(self, kind: NoticeKind | None = None) -> list[tuple[str, str]]:
        """(kind, to) of everything that was taken."""
        everything = [*self.mail.taken, *self.sms.taken]
        found = [(message.words.text.split("|")[0], message.to) for message in everything]
        return [each for each in found if kind is None or each[0] == kind.value]

    def rows(self) -> list[Any]:
        with self.store.reading() as work:
            return list(work.connection.execute(select(notices).order_by(notices.c.created_at)))

    def deliveries(self) -> list[Any]:
        with self.store.reading() as work:
            return list(work.connection.execute(select(deliveries).order_by(deliveries.c.begun_at)))

    def state(self, kind: NoticeKind, member_id: str = "ana") -> list[tuple[str, str]]:
        """(state, reason) of a member's notices of one kind."""
        return [(row.state, row.reason) for row in self.rows() if row.kind == kind.value and row.member_id == member_id]

    def lapse_leases(self) -> None:
        """As if the leases of a dead process had run out."""
        with self.store.writing() as work:
            past = datetime(2000, 1, 1, tzinfo=UTC)
            work.connection.execute(notices.update().where(notices.c.leased_by.is_not(None)).values(leased_until=past))

    # -- people -------------------------------------------------------------------------------

    def start(self, contact: str, channel: Channel = Channel.EMAIL, actor: Actor = VISITOR, client: str = "") -> str:
        command = StartVerification(channel=channel, contact=self.seal(contact), client=client)
        return self.send(command, actor).verification_id

    def code_to(self, contact: str) -> str:
        """The code that was sent to this contact last."""
        everything = [*self.mail.taken, *self.sms.taken]
        text = [m.words.text for m in everything if m.to == contact.strip().lower() and "code " in m.words.text][-1]
        return text.partition("code ")[2].partition("|")[0]

    def confirm(self, verification_id: str, code: str, member_id: str, actor: Actor = VISITOR) -> Verified:
        command = ConfirmCode(verification_id=verification_id, code=self.seal(code), member_id=member_id)
        return self.send(command, actor)

    def verify(
        self, member_id: str, contact: str, channel: Channel = Channel.EMAIL, actor: Actor = VISITOR
    ) -> Verified:
        verification_id = self.start(contact, channel, actor)
        self.send_all()
        return self.confirm(verification_id, self.code_to(contact), member_id, actor)

    def join(self, member_id: str, *, email: bool = True, sms: bool = False, consents: bool = True) -> None:
        """A member with contact points, who agreed to everything (or to nothing)."""
        if email:
            self.verify(member_id, f"{member_id}@example.org")
        self.deliver(MemberJoined(member_id=member_id, agreement_version=1))
        if sms:
            self.verify(member_id, number(member_id), Channel.SMS, Actor(role=Role.MEMBER, id=member_id))
        for purpose in Purpose:
            for channel in Channel:
                self.consent(member_id, purpose, channel, granted=consents)
        self.mail.taken.clear()
        self.sms.taken.clear()

    def consent(
        self, member_id: str, purpose: Purpose, channel: Channel, *, granted: bool = True, decided: int = 1
    ) -> None:
        self.deliver(
            ConsentDecided(member_id=member_id, purpose=purpose, channel=channel, granted=granted, decided=decided)
        )

    def text(self, sender: str, body: str, sid: str = "IN1", signature: str = "good", **more: str) -> str:
        """An inbound text; what the provider is answered."""
        form = [["From", sender], ["Body", body], ["MessageSid", sid], *([k, v] for k, v in more.items())]
        command = ReceiveCallback(
            what="inbound", url="https://portal.example/sms", form=self.seal(json.dumps(form)), signature=signature
        )
        return self.send(command, PROVIDER).body

    def receipt(self, sid: str, status: str, signature: str = "good") -> None:
        form = [["MessageSid", sid], ["MessageStatus", status]]
        command = ReceiveCallback(
            what="status", url="https://portal.example/sms", form=self.seal(json.dumps(form)), signature=signature
        )
        self.send(command, PROVIDER)


def number(member_id: str) -> str:
    """A valid number of this member's own."""
    return f"+1312555{sum(member_id.encode()) % 10000:04d}"


def chapter(chapter_id: str = CHAPTER) -> ChapterOpened:
    return ChapterOpened(
        chapter_id=chapter_id, region_id=REGION, name="North", slug="north", time_zone=ZONE, languages=("en",)
    )


PLACE = Place(venue_id="venue-1", name="Library", address="12 Elm Street", city="Springfield", access="lift")
HYBRID = (ModeOffer(mode=Mode.IN_PERSON, capacity=12), ModeOffer(mode=Mode.ONLINE, capacity=60))
ONLINE = (ModeOffer(mode=Mode.ONLINE, capacity=72),)


def meeting(
    kind: type[MeetingFacts] = MeetingScheduled,
    revision: int = 1,
    *,
    starts: datetime = STARTS,
    status: MeetingStatus = MeetingStatus.SCHEDULED,
    offers: tuple[ModeOffer, ...] = HYBRID,
    meeting_id: str = MEETING,
    chapter_id: str = CHAPTER,
) -> MeetingFacts:
    return kind(
        meeting_id=meeting_id,
        series_id=None,
        group_id=GROUP,
        group_name="Tuesday Circle",
        chapter_id=chapter_id,
        region_id=REGION,
        revision=revision,
        status=status,
        starts_at=starts,
        ends_at=starts + timedelta(hours=1, minutes=30),
        time_zone=ZONE,
        place=PLACE,
        offers=offers,
        online_instead=offers is ONLINE,
    )


_SEAT_EVENTS: dict[SeatState, type[SeatFacts]] = {
    SeatState.CONFIRMED: SeatConfirmed,
    SeatState.WAITLISTED: SeatWaitlisted,
    SeatState.RELEASED: SeatReleased,
}


def seat(
    member_id: str = "ana",
    change: int = 1,
    *,
    state: SeatState = SeatState.CONFIRMED,
    reason: SeatReason = SeatReason.TAKEN,
    mode: Mode = Mode.IN_PERSON,
    revision: int = 1,
    meeting_id: str = MEETING,
    chapter_id: str = CHAPTER,
) -> SeatFacts:
    return _SEAT_EVENTS[state](
        seat_id=f"seat-{member_id}-{meeting_id}",
        meeting_id=meeting_id,
        chapter_id=chapter_id,
        member_id=member_id,
        mode=mode,
        state=state,
        reason=reason,
        meeting_revision=revision,
        change=change,
    )


def attended(
    who: str = "ana", outcome: Outcome = Outcome.ATTENDED, change: int = 1, at_: str = MEETING
) -> AttendanceRecorded:
    return AttendanceRecorded(
        seat_id=f"seat-{who}-{at_}",
        meeting_id=at_,
        chapter_id=CHAPTER,
        member_id=who,
        outcome=outcome,
        mode=Mode.IN_PERSON,
        change=change,
    )


def window(window_id: str = "window-1") -> WindowOpened:
    return WindowOpened(
        window_id=window_id,
        region_id=REGION,
        opens_at=STARTS - timedelta(days=3),
        closes_at=STARTS + timedelta(days=7),
        last_slip_at=STARTS + timedelta(days=10),
    )
