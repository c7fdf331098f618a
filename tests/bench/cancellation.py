"""One act, ten thousand people: from the news that a meeting is cancelled until the mail server has the last mail.

One process of notifications. The limit is a bare sender of as many mails that were built before, over as many connections,
into the same server. And with a hundred thousand reminders waiting: how long the first urgent mail takes.
"""

from __future__ import annotations

import smtplib
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta
from threading import Thread
from zoneinfo import ZoneInfo

from kombu import Connection
from sqlalchemy import Engine, insert

from services.notifications.handlers import facts as heard
from services.notifications.model.kinds import URGENCY, natural_key
from services.notifications.model.records import ContactPoint
from services.notifications.settings import NotificationsSettings
from services.notifications.store import NotificationsWork, metadata
from services.notifications.store.tables import notices, seats
from shared.contracts.base import Channel, ContactPointId, MemberId, Mode, VenueId
from shared.contracts.meetings import ChapterOpened, MeetingCancelled, MeetingFacts, MeetingStatus, ModeOffer, Place
from shared.contracts.notifications import NoticeKind, NoticeState
from shared.contracts.registration import ConsentDecided, Purpose, SeatReason, SeatState
from shared.messaging import topology
from shared.messaging.link import Confirms, Link, event_message
from shared.runtime.clock import SystemClock, real_now
from shared.storage.work import Store
from tests.bench import people
from tests.bench.ground import ROOT, Ground, Row, database_of, rate, say, until
from tests.bench.mailbox import Mailbox
from tests.support.world import ring

LANES = NotificationsSettings().lanes
BODY = b"Subject: what\r\nFrom: notices@chapterhouse.example\r\n\r\n" + b"words enough for a page\r\n" * 120


def rows(ground: Ground) -> Iterator[Row]:
    """Two lines a database."""
    count = ground.many(10_000)
    limit = _bare(count)
    for kind in ground.kinds:
        yield from _act(ground, kind, count, limit)
        yield from _urgent(ground, kind, ground.many(100_000, least=1_000))


def _act(ground: Ground, kind: str, count: int, limit: float) -> Iterator[Row]:
    url, database = ground.broker.new_vhost(), ground.new_database(kind)
    engine = database_of(database)
    facts = in_person("shut", hours=30)
    names = [f"m{number}" for number in range(count)]
    town(engine, names, [facts])
    seat(engine, [(name, facts) for name in names])
    with Mailbox() as box, ground.serving("notifications", url, database, notifications_smtp_port=str(box.port)):
        began = time.perf_counter()
        cancel(url, facts)
        until(lambda: box.count > 0, what="the first mail", every=0.01)
        first = time.perf_counter() - began
        until(lambda: len(box.first) >= count, what="the last mail")
        whole = box.last - began
        if box.count != count:
            raise RuntimeError(f"{box.count} mails for {count} people")
    yield Row(
        f"{kind}: {count:,} people told that their meeting is cancelled; the first after {first:.1f} s",
        f"{count / whole:,.0f} mails/s ({whole:.1f} s)",
        f"{limit:,.0f} (bare sender, {LANES} connections)",
        count / whole / limit,
        "half",
    )


def _urgent(ground: Ground, kind: str, bulk: int) -> Iterator[Row]:
    url, database = ground.broker.new_vhost(), ground.new_database(kind)
    engine = database_of(database)
    each = 100  # seats at a meeting
    names = [f"m{number}" for number in range(max(each, bulk // each))]
    facts = [in_person(f"meeting-{number}", hours=20) for number in range(bulk // each)]
    shut = in_person("shut", hours=30)
    town(engine, [*names, "ana"], [*facts, shut])
    waiting = [
        (names[(number * 7 + person) % len(names)], f) for number, f in enumerate(facts) for person in range(each)
    ]
    seat(engine, [*waiting, ("ana", shut)])
    remind(engine, waiting)
    with Mailbox() as box, ground.serving("notifications", url, database, notifications_smtp_port=str(box.port)):
        until(lambda: box.count > 20, what="reminders leaving", every=0.01)
        began = time.perf_counter()
        cancel(url, shut)
        until(lambda: address("ana") in box.first, what="the urgent mail", every=0.01)
        took = box.first[address("ana")] - began
        bulk_rate = rate(lambda: box.count, box.count + 200)
    yield Row(
        f"{kind}: the first urgent mail with {bulk:,} reminders waiting",
        f"{took:.2f} s",
        f"{bulk_rate:,.0f} reminders/s meanwhile",
        aim="1 s",
    )


def in_person(meeting_id: str, hours: float) -> MeetingFacts:
    """In a room: a notice about it needs no link, which another service would have to be asked for."""
    place = Place(venue_id=VenueId("venue-1"), name="Library", address="12 Elm Street", city="Springfield")
    offers = (ModeOffer(mode=Mode.IN_PERSON, capacity=5000),)
    return people.meeting(meeting_id, 0, hours=hours, place=place, offers=offers)


def cancel(url: str, facts: MeetingFacts) -> None:
    """Say that it does not take place, as the relay of meetings does."""
    event = MeetingCancelled(**facts.model_dump() | {"revision": 2, "status": MeetingStatus.CANCELLED})
    with Connection(url) as connection:
        topology.declare(connection, (1.0,))
    link = Link(url, name="bench")
    confirms = Confirms(link)
    confirms.publish(1, event_message(people.envelope(event), "one", event.type), "events", event.type)
    confirms.settle(10)
    link.close()


def contact_of(name: str) -> ContactPointId:
    """The id of a member's contact point."""
    return ContactPointId(str(uuid.uuid5(uuid.NAMESPACE_DNS, name)))


def address(name: str) -> str:
    """Where a member is written to."""
    return f"{name}@example.org"


def town(engine: Engine, names: Sequence[str], facts: Sequence[MeetingFacts]) -> None:
    """Members with an address who agreed to be written to, and meetings: as the handlers would have kept them."""
    say(f"  {len(names)} people, {len(facts)} meetings")
    metadata.create_all(engine)
    store = Store(engine, NotificationsWork, ring("notifications"), SystemClock())
    opened = ChapterOpened(
        chapter_id=people.CHAPTER,
        region_id=people.REGION,
        name="North",
        slug="north",
        time_zone=people.daytime_zone(),
        languages=("en",),
    )

    for first in range(0, len(names), people.TOGETHER):
        with store.writing() as work:
            heard.open_chapter(opened, work)
            for name in names[first : first + people.TOGETHER]:
                _agree(work, MemberId(name))
    with store.writing() as work:
        for each in facts:
            heard.know_meeting(each, work)


def _agree(work: NotificationsWork, member: MemberId) -> None:
    work.members.join(member)
    for purpose in (Purpose.MEETING_CHANGES, Purpose.MEETING_REMINDERS):
        consent = ConsentDecided(member_id=member, purpose=purpose, channel=Channel.EMAIL, granted=True, decided=1)
        work.members.decide(consent)
    contact = ContactPoint(
        contact_point_id=contact_of(member),
        member_id=member,
        channel=Channel.EMAIL,
        contact_hash=work.keys.keyed_hash("contact", address(member)),
        locale="en",
        verified_at=work.now,
    )
    work.contacts.add(contact, address(member))


def seat(engine: Engine, held: Sequence[tuple[str, MeetingFacts]]) -> None:
    """These people hold a seat, and were told of it long ago."""
    since = real_now() - timedelta(days=10)
    rows = [
        {
            "seat_id": f"s{number}",
            "change": 1,
            "meeting_id": facts.meeting_id,
            "chapter_id": facts.chapter_id,
            "member_id": name,
            "mode": Mode.IN_PERSON.value,
            "state": SeatState.CONFIRMED.value,
            "reason": SeatReason.TAKEN.value,
            "meeting_revision": 1,
            "heard_at": since,
        }
        for number, (name, facts) in enumerate(held)
    ]
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        connection.execute(insert(seats), rows)


def remind(engine: Engine, held: Sequence[tuple[str, MeetingFacts]]) -> None:
    """Reminders that are due: one each, waiting."""
    now = real_now()
    kind = NoticeKind.REMINDER
    rows = [
        {
            "notice_id": natural_key(
                kind, who=name, about=facts.meeting_id, version=day_of(facts), channel=Channel.EMAIL
            ),
            "kind": kind.value,
            "member_id": name,
            "channel": Channel.EMAIL.value,
            "contact_point_id": contact_of(name),
            "chapter_id": facts.chapter_id,
            "meeting_id": facts.meeting_id,
            "version": day_of(facts),
            "urgency": URGENCY[kind],
            "created_at": now,
            "due_at": now,
            "not_before": now,
            "expires_at": facts.starts_at,
            "state": NoticeState.WAITING.value,
            "reason": "",
            "attempts": 0,
            "unknowns": 0,
            "doubtful": False,
            "words": "",
        }
        for name, facts in held
    ]
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        connection.execute(insert(notices), rows)


def day_of(facts: MeetingFacts) -> str:
    """The local day of a meeting: a reminder of another day is not sent."""
    return facts.starts_at.astimezone(ZoneInfo(facts.time_zone)).date().isoformat()


def _bare(count: int) -> float:
    """Mails a second of a process that only sends."""
    with Mailbox() as box:
        code = f"from tests.bench.cancellation import send; send({box.port}, {count})"
        sending = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
        until(lambda: box.count >= count, what="the bare sender's last mail")
        sending.wait(30)
        return (count - 1) / (box.last - min(box.first.values()))


def send(port: int, count: int) -> None:
    """In the bare sender's process: as many connections as the product has lanes, each used again and again."""

    def line(mails: int) -> None:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            for number in range(mails):
                smtp.sendmail("notices@chapterhouse.example", [f"m{number}@example.org"], BODY)

    threads = [Thread(target=line, args=(count // LANES + (lane < count % LANES),)) for lane in range(LANES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
