"""All four services without a broker: what one says is delivered to the others, in any order, as often as wanted.

``Region()`` has one :class:`tests.support.world.World` a service on one clock, real wording, real call-backs, and a
mail server and SMS provider in memory. ``settle()`` delivers and sends until nothing is left to do.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import Engine, select

from services.feedback.service import FeedbackService
from services.meetings.service import MeetingsService
from services.notifications.channels.sms_inbound import signature
from services.notifications.fitting import fitted
from services.notifications.messages import Accepted, Message, Result, Transient, Unknown
from services.notifications.service import NotificationsService
from services.notifications.settings import NotificationsSettings
from services.registration.service import RegistrationService
from shared.contracts import meetings as m
from shared.contracts import notifications as n
from shared.contracts import registration as r
from shared.contracts.base import Actor, Channel, Command, Mode, Role
from shared.messaging.dispatch import Delivery, Verdict
from shared.messaging.envelope import decode
from shared.runtime.clock import SteppedClock
from shared.runtime.parts import Parts
from shared.runtime.settings import Settings
from shared.storage import core
from shared.storage.engine import make_engine
from shared.storage.work import Store
from tests.support.world import OPERATOR, SERVICE, START, VISITOR, World, key_folder, member, ring

TOKEN = "a-token-of-the-provider"
PORTAL = "https://portal.example"
PROVIDER = Actor(role=Role.PROVIDER)
SERVICES = (MeetingsService, RegistrationService, NotificationsService, FeedbackService)


@dataclass
class Post:
    """A mail server or an SMS provider in memory. ``answers`` are given in turn, then everything is accepted."""

    taken: list[Message] = field(default_factory=list)
    tried: list[Message] = field(default_factory=list)
    answers: list[Result | Exception] = field(default_factory=list)

    def send(self, message: Message) -> Result:
        self.tried.append(message)
        answer = self.answers.pop(0) if self.answers else Accepted(f"SM{len(self.tried):032x}")
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Accepted):
            self.taken.append(message)
        return answer

    def find(self, message: Message) -> Result:
        return Unknown("mail_cannot_tell") if message.channel is Channel.EMAIL else Transient("not_found")


class Region:
    """Four worlds, one clock. ``seed`` shuffles what is delivered; ``doubled`` delivers everything twice.

    A channel among ``real`` goes to the server that the settings name, the others to ``mail`` and ``sms``.
    """

    def __init__(
        self,
        start: datetime = START,
        *,
        seed: int | None = None,
        doubled: bool = False,
        engine: Callable[[str], Engine] = lambda _name: make_engine("sqlite://"),
        store: type[Store[Any]] = Store,
        real: tuple[Channel, ...] = (),
        **settings: Any,
    ) -> None:
        self.clock = SteppedClock(start)
        self.mail, self.sms = Post(), Post()
        self.random = random.Random(seed) if seed is not None else None
        self.doubled = doubled
        self.settings = NotificationsSettings(
            **{"lanes": 1, "portal_url": PORTAL, "sms_token": TOKEN, "mail_from": "Notes <notes@post.example>"}
            | settings
        )
        self.worlds: dict[str, World] = {}
        self.engines: list[Engine] = []
        self._seen: dict[str, int] = {}
        self.waiting: list[tuple[str, bytes]] = []
        self._store, self._real = store, real
        for service in SERVICES:
            self._start(service, engine(service.name))

    def _start(self, service: Any, engine: Engine) -> None:
        service.metadata.create_all(engine)
        self.engines.append(engine)
        keys = ring(service.name)
        store = self._store(engine, service.work, keys, self.clock)
        parts = Parts(settings=Settings(keys=key_folder()), keys=keys, clock=self.clock, store=store, ask=self._ask)
        more: dict[str, Any] = {}
        if service is NotificationsService:
            outfit = fitted(self.settings, self.clock)
            self.senders = outfit.sender
            more = {"settings": self.settings, "outfit": replace(outfit, sender=self._sender)}
        world = World(service(parts, **more), store, self.clock)
        world.dispatcher.attempts = 1000  # an event that came too early waits on the ladder
        self.worlds[service.name] = world

    def _sender(self, channel: Channel) -> Any:
        if channel in self._real:
            return self.senders(channel)
        return self.mail if channel is Channel.EMAIL else self.sms

    def _ask(self, request: Any) -> Any:
        world = self.worlds[type(request).receiver()]
        return (world.send if isinstance(request, Command) else world.ask)(request, SERVICE)

    def close(self) -> None:
        """Give the databases back."""
        for engine in self.engines:
            engine.dispose()

    @property
    def meetings(self) -> World:
        return self.worlds["meetings"]

    @property
    def registration(self) -> World:
        return self.worlds["registration"]

    @property
    def notifications(self) -> World:
        return self.worlds["notifications"]

    @property
    def feedback(self) -> World:
        return self.worlds["feedback"]

    # -- events -------------------------------------------------------------------------------

    def collect(self) -> None:
        """Take in what was said since, for each service that listens to it."""
        for name, world in self.worlds.items():
            with world.store.reading() as work:
                rows = work.connection.execute(
                    select(core.outbox.c.position, core.outbox.c.body)
                    .where(core.outbox.c.position > self._seen.get(name, 0))
                    .order_by(core.outbox.c.position)
                ).all()
            for position, body in rows:
                self._seen[name] = position
                event = decode(body)[1]
                for other, listener in self.worlds.items():
                    if type(event) in listener.dispatcher.entrypoints.events:
                        self.waiting += [(other, body)] * (2 if self.doubled else 1)

    def deliver(self, most: int | None = None) -> int:
        """Deliver what waits (``most`` of it), shuffled where a seed was given; how much was handled."""
        self.collect()
        if self.random:
            self.random.shuffle(self.waiting)
        now, self.waiting = self.waiting[:most], self.waiting[most:] if most is not None else []
        handled = 0
        for name, body in now:
            (verdict,) = self.worlds[name].dispatcher.events([Delivery(body)])
            if verdict is Verdict.DONE:
                handled += 1
            else:
                self.waiting.append((name, body))
        return handled

    def post(self) -> int:
        """Run the sending loop until it rests."""
        for round_ in range(500):
            mails, texts = self.notifications.service.send_mails(), self.notifications.service.send_texts()
            if not (mails or texts):
                return round_
        raise AssertionError("the sending loop does not come to rest")

    def settle(self) -> None:
        """Deliver, run timers and send until nothing is left to do at this moment."""
        for _ in range(100):
            while self.deliver():
                pass
            for world in self.worlds.values():
                world.tick()
            self.post()
            self.collect()
            if not self.waiting:
                return
        raise AssertionError("the network does not come to rest")

    def step(self, **by: float) -> None:
        """Time passes, in one go."""
        self.clock.step(**by)
        self.settle()

    def parked(self) -> list[tuple[str, str, str]]:
        """(service, type, reason) of everything parked."""
        found = []
        for name, world in self.worlds.items():
            with world.store.reading() as work:
                rows = work.connection.execute(select(core.parked.c.type, core.parked.c.reason)).all()
            found += [(name, *row) for row in rows]
        return found

    # -- people and places --------------------------------------------------------------------

    def found(self, zone: str = "Europe/London", slug: str = "harbour") -> Place:
        """A chapter with a group, a venue and a room."""
        send = self.meetings.send
        region = send(m.FoundRegion(name="North Shore", slug="north-shore"), OPERATOR).region_id
        chapter = send(
            m.OpenChapter(region_id=region, name=slug.title(), slug=slug, time_zone=zone), OPERATOR
        ).chapter_id
        group = send(m.FoundGroup(chapter_id=chapter, name="Evening circle", purpose="Talk"), OPERATOR).group_id
        venue = send(
            m.AddVenue(chapter_id=chapter, name="Library", address="1 Quay Street", city="London"), OPERATOR
        ).venue_id
        seal = self.meetings.seal
        room = send(
            m.AddRoom(
                chapter_id=chapter,
                name="Room",
                link=seal("https://meet.example.org/quiet"),
                dial_in=seal("+44 20 7946 0000"),
                passcode=seal("sesame-99"),
            ),
            OPERATOR,
        ).room_id
        return Place(self, region, chapter, group, venue, room)

    def verify(self, member_id: str, contact: str, channel: Channel = Channel.EMAIL) -> None:
        """The member proves an address or number theirs."""
        world = self.notifications
        asks = VISITOR if channel is Channel.EMAIL else member(member_id)
        started = world.send(n.StartVerification(channel=channel, contact=world.seal(contact)), asks)
        self.post()
        box = self.mail if channel is Channel.EMAIL else self.sms
        text = next(each.words.text for each in reversed(box.taken) if each.to == contact)
        code = next(word for word in text.replace(".", " ").split() if word.isdigit() and len(word) == 6)
        world.send(
            n.ConfirmCode(verification_id=started.verification_id, code=world.seal(code), member_id=member_id), asks
        )

    def join(
        self, name: str, *, sms: str = "", alias: str = "", email: str = "", consents: bool = True, quiet: bool = False
    ) -> Actor:
        """A member with an address (and a number), who agreed to everything. Quiet hours are off unless wanted."""
        self.verify(name, email or f"{name}@example.org")
        world = self.registration
        choices = tuple(
            r.ConsentChoice(purpose=purpose, channel=channel, granted=consents)
            for purpose in r.Purpose
            for channel in Channel
        )
        world.send(
            r.Join(
                alias=world.seal(alias or name.title()),
                role_in_attending=r.RoleInAttending.LIVED_EXPERIENCE,
                agreement_version=1,
                consents=choices,
            ),
            member(name),
        )
        if sms:
            self.verify(name, sms, Channel.SMS)
        if not quiet:
            wishes = n.Preferences(quiet_from=time(0), quiet_to=time(0), time_zone="Europe/London")
            self.notifications.send(n.SetPreferences(preferences=wishes), member(name))
        return member(name)

    def text(self, sender: str, body: str, sid: str = "", **more: str) -> str:
        """A text comes in, signed as the provider signs; the TwiML that answers it."""
        url = f"{PORTAL}/hooks/sms/inbound"
        sid = sid or f"IN{self.clock.now().timestamp()}{body}"[:34]
        form = [("From", sender), ("Body", body), ("MessageSid", sid), *more.items()]
        world = self.notifications
        command = n.ReceiveCallback(
            what="inbound", url=url, form=world.seal(json.dumps(form)), signature=signature(TOKEN, url, form)
        )
        return world.send(command, PROVIDER).body

    def unsubscribe(self, message: Message) -> None:
        """One click on a mail's List-Unsubscribe."""
        assert message.unsubscribe_url, "the mail has no List-Unsubscribe"
        token = message.unsubscribe_url.rsplit("/", 1)[1]
        self.notifications.send(n.Unsubscribe(token=token), VISITOR)


@dataclass
class Place:
    """A chapter and what it has."""

    network: Region
    region: str
    chapter: str
    group: str
    venue: str
    room: str

    @property
    def host(self) -> Actor:
        """The chapter's coordinator."""
        return Actor(role=Role.COORDINATOR, id="host", chapters=(self.chapter,))  # type: ignore[arg-type]

    def schedule(
        self, day: date, at: time = time(19), *, in_person: int = 2, online: int = 60, minutes: int = 90, count: int = 1
    ) -> list[str]:
        """A weekly series; the ids of its meetings."""
        offers = [m.ModeOffer(mode=Mode.ONLINE, capacity=online)]
        if in_person:
            offers.insert(0, m.ModeOffer(mode=Mode.IN_PERSON, capacity=in_person))
        weekday = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")[day.weekday()]
        rule = m.SeriesRule(
            rrule=f"FREQ=WEEKLY;BYDAY={weekday};COUNT={count}", starts_on=day, starts=at, minutes=minutes
        )
        command = m.ScheduleSeries(
            group_id=self.group, rule=rule, offers=tuple(offers), venue_id=self.venue, room_id=self.room
        )
        return list(self.network.meetings.send(command, self.host).meetings)

    def page(self, meeting_id: str) -> m.MeetingView:
        """The meeting."""
        return self.network.meetings.ask(m.MeetingPage(meeting_id=meeting_id), VISITOR)

    def change(self, kind: type[Command[Any]], meeting_id: str, **more: Any) -> None:
        """Move it, move it online, back, or cancel it."""
        revision = self.page(meeting_id).revision
        self.network.meetings.send(kind(meeting_id=meeting_id, revision=revision, **more), self.host)


@contextmanager
def region(*args: Any, **more: Any) -> Iterator[Region]:
    """A region for the length of a with."""
    made = Region(*args, **more)
    try:
        yield made
    finally:
        made.close()


def utc(*parts: int) -> datetime:
    """An aware moment in UTC."""
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]
