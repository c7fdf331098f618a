"""A small network on real migrations and real services, without processes: one evening from joining to the report.

Events go from each outbox to whoever is bound to them (shared.contracts.subscriptions); letters go into a sink's log.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, delete, select

from services.feedback.service import FeedbackService
from services.feedback.store import FeedbackWork
from services.meetings.store import MeetingsWork
from services.notifications.messages import Accepted, Message, Result, Transient, Unknown
from services.notifications.outfit import Outfit
from services.notifications.service import NotificationsService
from services.notifications.settings import NotificationsSettings
from services.notifications.store import NotificationsWork
from services.registration.service import RegistrationService
from services.registration.store import RegistrationStoreWork
from shared.contracts.base import Channel, Event, Mode
from shared.contracts.feedback import Answers, DrawCode, OpenWindow, SubmitSlip
from shared.contracts.meetings import (
    AskJoinLink,
    ChapterOpened,
    JoinLink,
    MeetingEnded,
    MeetingFacts,
    MeetingMovedOnline,
    MeetingScheduled,
    MeetingStatus,
    ModeOffer,
)
from shared.contracts.notifications import ConfirmCode, ReceiveCallback, StartVerification
from shared.contracts.registration import (
    AddWalkIn,
    CloseAttendance,
    ConsentChoice,
    GiveUpSeat,
    Join,
    Leave,
    ListMeetingSeats,
    MarkAttendance,
    Outcome,
    Purpose,
    RoleInAttending,
    TakeSeat,
)
from shared.contracts.subscriptions import SUBSCRIPTIONS
from shared.messaging.dispatch import Delivery
from shared.runtime.clock import SteppedClock
from shared.runtime.ids import new_id
from shared.runtime.parts import Parts
from shared.runtime.settings import Settings
from shared.storage import core
from shared.storage.engine import make_engine
from shared.storage.migrate import upgrade
from shared.storage.work import Store
from tests.component.notifications.fakes import PROVIDER, FakeCallbacks, FakeWording
from tests.support.world import REGIONAL, SERVICE, START, VISITOR, World, coordinator, member, ring

ALL = ("meetings", "registration", "notifications", "feedback", "admin", "portal")
PEOPLE = 14
BEGINS = START + timedelta(days=1, hours=1)
ENDS = BEGINS + timedelta(minutes=90)


class Letterbox:
    """A mail server or provider that writes what it takes into the sink's log, as services.local.sink.log does."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self.taken: list[Message] = []
        self.lost: set[str] = set()

    def send(self, message: Message) -> Result:
        """Taken; where ``lost`` holds its address, the answer is lost on its way back, once."""
        self.taken.append(message)
        given = self.write(message)
        if message.to in self.lost:
            self.lost.discard(message.to)
            return Unknown("no_answer")
        return Accepted(given)

    def find(self, message: Message) -> Result:
        """A mail server cannot tell; the provider is not asked in this story."""
        return Unknown("mail_cannot_tell") if message.channel is Channel.EMAIL else Transient("not_found")

    def write(self, message: Message) -> str:
        """One line of the log; the Message-ID or sid."""
        sid = f"SM{uuid.uuid4().hex}"
        if message.channel is Channel.EMAIL:
            record: dict[str, Any] = {
                "kind": "mail", "id": uuid.uuid4().hex, "to": message.to, "message_id": f"<{message.message_id}>",
                "subject": message.words.subject, "text": message.words.text, "html": None, "ics": None,
            }  # fmt: skip
        else:
            record = {"kind": "text", "id": sid, "sid": sid, "to": message.to, "body": message.words.text}
        self.log(record)
        return message.message_id if message.channel is Channel.EMAIL else sid

    def log(self, record: dict[str, Any]) -> None:
        """Append a record."""
        with self._log.open("a") as file:
            file.write(json.dumps({"at": "2026-11-02T09:00:00+00:00", **record}) + "\n")


class Story:
    """The network in ``folder``; ``url`` is a pattern with ``{service}``."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.clock = SteppedClock(START)
        for each in ("data", "sink", "log", "run", "broker"):
            (folder / each).mkdir(parents=True, exist_ok=True)
        self.sink_log = folder / "sink" / "arrived.jsonl"
        self.planted_file = folder / "run" / "planted.json"
        self.box = Letterbox(self.sink_log)
        self.engines: dict[str, Engine] = {}
        for name in ALL:
            self.engines[name] = make_engine(url.format(service=name))
            upgrade(name, self.engines[name])
        self.meetings: Store[MeetingsWork] = self._store("meetings", MeetingsWork)
        self.registration = self._world("registration", RegistrationStoreWork, RegistrationService)
        self.feedback = self._world("feedback", FeedbackWork, FeedbackService)
        self.notifications = self._world("notifications", NotificationsWork, self._notifications)
        self.worlds = {name: getattr(self, name) for name in ("registration", "notifications", "feedback")}
        self.chapter, self.region, self.meeting, self.group = (new_id() for _ in range(4))
        self.members = [new_id() for _ in range(PEOPLE)]
        self.accepted = 0

    def _store(self, name: str, work: Any) -> Store[Any]:
        return Store(self.engines[name], work, ring(name), self.clock)

    def _world(self, name: str, work: Any, make: Callable[[Any], Any]) -> World:
        store = self._store(name, work)
        parts = Parts(settings=Settings(), keys=ring(name), clock=self.clock, store=store, ask=self._ask)
        return World(make(parts), store, self.clock)

    def _notifications(self, parts: Any) -> NotificationsService:
        outfit = Outfit(FakeWording(), lambda _channel: self.box, FakeCallbacks(), lambda *_: (), lambda _text: 1)
        return NotificationsService(
            parts, settings=NotificationsSettings(lanes=1, portal_url="https://portal.example"), outfit=outfit
        )

    def _ask(self, request: Any) -> Any:
        if isinstance(request, DrawCode):
            return self.feedback.send(request, SERVICE)
        assert isinstance(request, AskJoinLink)
        return JoinLink(
            link=ring("meetings").seal_for("notifications", "https://room.example"), dial_in=None, passcode=None
        )

    # -- what happens -------------------------------------------------------------------------

    def settle(self) -> None:
        """Until nothing is to be delivered and nothing to be sent."""
        post = self.notifications.service
        while self._pump() or post.send_mails() or post.send_texts():
            pass

    def _pump(self) -> int:
        moved = 0
        for name in SUBSCRIPTIONS:
            with self.engines[name].begin() as connection:
                unsent = core.outbox.c.position.in_(select(core.unsent.c.position))
                rows = connection.execute(select(core.outbox).where(unsent).order_by(core.outbox.c.position)).all()
                connection.execute(delete(core.unsent))
            moved += len(rows)
            for service, heard in SUBSCRIPTIONS.items():
                types = {event.type for event in heard}
                for row in rows:
                    if row.type in types:
                        self.worlds[service].dispatcher.events([Delivery(row.body)])
        return moved

    def tick(self, **step: float) -> None:
        """Time passes, and every timer runs."""
        self.settle()
        self.clock.step(**step)
        for world in self.worlds.values():
            world.tick()
        self.settle()

    def say(self, *events: Event) -> None:
        """Meetings says this."""
        with self.meetings.writing() as work:
            for event in events:
                work.publish(event)
        self.settle()

    def facts(self, kind: type[MeetingFacts], revision: int, offers: dict[Mode, int], **more: Any) -> MeetingFacts:
        """What is said of the one meeting."""
        return kind(
            meeting_id=self.meeting, series_id=None, group_id=self.group, group_name="Tuesday circle",
            chapter_id=self.chapter, region_id=self.region, revision=revision, starts_at=BEGINS, ends_at=ENDS,
            time_zone="Europe/London", place=None,
            offers=tuple(ModeOffer(mode=mode, capacity=places) for mode, places in offers.items()),
            **{"status": MeetingStatus.SCHEDULED, **more},
        )  # fmt: skip

    def alias(self, number: int) -> str:
        """What this person is called."""
        return f"Heliotrope Redshank {number:02d}"

    def contact(self, number: int) -> tuple[Channel, str]:
        """Where this person is reached: each third by text."""
        if number % 3 == 0:
            return Channel.SMS, f"+1312555{100 + number:04d}"
        return Channel.EMAIL, f"wood.warbler.{number:02d}@mail.example"

    def join(self, number: int) -> None:
        """Prove a contact, then join under an alias with every consent."""
        channel, contact = self.contact(number)
        who, said = self.members[number], self.notifications
        started = said.send(StartVerification(channel=channel, contact=said.seal(contact)), VISITOR)
        self.settle()
        letter = next(each for each in reversed(self.box.taken) if each.to == contact)
        code = letter.words.text.partition("code ")[2].partition("|")[0]
        confirm = ConfirmCode(verification_id=started.verification_id, code=said.seal(code), member_id=who)
        said.send(confirm, VISITOR)
        consents = tuple(ConsentChoice(purpose=purpose, channel=channel, granted=True) for purpose in Purpose)
        self.registration.send(
            Join(
                alias=self.registration.seal(self.alias(number)),
                role_in_attending=RoleInAttending.LIVED_EXPERIENCE,
                agreement_version=1,
                consents=consents,
            ),
            member(who),
        )
        self.settle()

    def play(self) -> None:
        """The whole evening."""
        host = coordinator(self.chapter)
        self.say(
            ChapterOpened(
                chapter_id=self.chapter, region_id=self.region, name="North", slug="north",
                time_zone="Europe/London", languages=("en",),
            ),
            self.facts(MeetingScheduled, 1, {Mode.IN_PERSON: 2, Mode.ONLINE: 20}),
        )  # fmt: skip
        opening = OpenWindow(
            region_id=self.region, name="November", opens_at=START, closes_at=START + timedelta(days=5)
        )
        self.feedback.send(opening, REGIONAL)
        for number in range(PEOPLE):
            self.join(number)
            mode = Mode.IN_PERSON if number < 4 else Mode.ONLINE
            self.registration.send(TakeSeat(meeting_id=self.meeting, mode=mode), member(self.members[number]))
        self.settle()
        self.registration.send(GiveUpSeat(meeting_id=self.meeting), member(self.members[0]))
        self.settle()
        self.box.lost.add(self.contact(4)[1])  # one urgent mail whose answer is lost: it goes out once again
        self.say(self.facts(MeetingMovedOnline, 2, {Mode.ONLINE: 22}, online_instead=True))
        self.tick(hours=23, minutes=30)
        self.registration.clock.step(hours=3)
        self.say(self.facts(MeetingEnded, 2, {Mode.ONLINE: 22}, status=MeetingStatus.ENDED))
        for row in self.registration.ask(ListMeetingSeats(meeting_id=self.meeting), host).seats:
            mark = MarkAttendance(meeting_id=self.meeting, seat_id=row.seat_id, outcome=Outcome.ATTENDED)
            self.registration.send(mark, host)
        alias = self.registration.seal("Pewter Phalarope")
        self.registration.send(AddWalkIn(meeting_id=self.meeting, alias=alias, mode=Mode.ONLINE), host)
        self.registration.send(CloseAttendance(meeting_id=self.meeting), host)
        self.tick(hours=4)
        self._answer()
        self._another()
        self._stop()
        self._leave()
        self.tick(days=9)
        self._plant()

    def _another(self) -> None:
        """Three want the one place at a meeting a month ahead; two wait."""
        meeting = new_id()
        later = {"meeting_id": meeting, "starts_at": BEGINS + timedelta(days=28), "ends_at": ENDS + timedelta(days=28)}
        self.say(self.facts(MeetingScheduled, 1, {Mode.IN_PERSON: 1}).model_copy(update=later))
        for who in self.members[:3]:
            self.registration.send(TakeSeat(meeting_id=meeting, mode=Mode.IN_PERSON), member(who))
        self.settle()

    def _answer(self) -> None:
        asked = [each for each in self.box.taken if each.words.text.startswith("feedback_ask")]
        for number, letter in enumerate(asked[:-1]):  # one does not answer
            code = letter.words.text.partition("code ")[2].partition("|")[0]
            values = {"safe": 1 + number % 3, "heard": 2, "useful": 3, "agreement": 3, "part": 1 + number % 2}
            seal = self.feedback.seal
            slip = SubmitSlip(code=seal(code), answers=seal(Answers(values=values).model_dump_json()))
            self.feedback.send(slip, VISITOR)
            self.accepted += 1

    def _stop(self) -> None:
        """Somebody texts STOP; the provider tells us, and the answer is no text of ours."""
        sender, sid = self.contact(3)[1], f"SM{uuid.uuid4().hex}"
        self.box.log({"kind": "inbound", "sid": sid, "to": "+15005550006", "sender": sender, "body": "STOP"})
        form = [["From", sender], ["Body", "STOP"], ["MessageSid", sid]]
        sealed = self.notifications.seal(json.dumps(form))
        callback = ReceiveCallback(what="inbound", url="https://portal.example/sms", form=sealed, signature="good")
        self.notifications.send(callback, PROVIDER)
        self.settle()

    def _leave(self) -> None:
        """One who was there, and one who holds the only place at the meeting a month ahead, leave for good."""
        for number in (0, 7):
            self.registration.send(Leave(), member(self.members[number]))
        self.settle()

    def _plant(self) -> None:
        contacts = [self.contact(number) for number in range(PEOPLE)]
        planted = {
            "alias": [*(self.alias(number) for number in range(PEOPLE)), "Pewter Phalarope"],
            "address": [contact for channel, contact in contacts if channel is Channel.EMAIL],
            "number": [contact for channel, contact in contacts if channel is Channel.SMS],
            "slips_accepted": self.accepted,
        }
        self.planted_file.write_text(json.dumps(planted))
        (self.folder / "log" / "registration.log").write_text('{"event": "handled", "level": "info"}\n')
        (self.folder / "broker" / "00000001.wal").write_bytes(b"RAWA" + b"\0" * 4096)

    def close(self) -> None:
        """Let go of the databases."""
        for engine in self.engines.values():
            engine.dispose()
