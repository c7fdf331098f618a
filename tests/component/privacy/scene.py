"""A region in the middle of its life, and one good payload for every command and query that there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import select, update

from services.notifications.store.tables import notices
from shared.contracts import meetings as m
from shared.contracts import registration as r
from shared.contracts.base import REQUESTS, Channel, Mode, Role
from shared.contracts.feedback import OpenWindow
from shared.messaging.envelope import Cause
from shared.storage.work import Store
from tests.support.region import PORTAL, Region
from tests.support.world import OPERATOR, REGIONAL, coordinator, member

DAY = date(2026, 11, 5)


class DryStore(Store[Any]):
    """Once ``dry``, everything is flushed and then rolled back: a try changes nothing for the next one."""

    dry = False

    @contextmanager
    def writing(self, cause: Cause | None = None) -> Iterator[Any]:
        if not self.dry:
            with super().writing(cause) as work:
                yield work
            return
        with self.engine.connect().execution_options(writing=True) as connection:
            transaction = connection.begin()
            work = self.work(connection, self.clock, self.keys)
            if cause is not None:
                work.cause = cause
            try:
                yield work
                work.flush()
            finally:
                transaction.rollback()


class Scene:
    """Ana holds a seat and has an address and a number; one notice of hers is held; a window is open."""

    def __init__(self, network: Region) -> None:
        self.network = network
        self.place = network.found()
        self.other = network.found(zone="America/Chicago", slug="prairie")
        (self.meeting,) = self.place.schedule(DAY)
        self.ana = network.join("ana", sms="+447400123456")
        network.join("ben")
        network.settle()
        seat = network.registration.send(r.TakeSeat(meeting_id=self.meeting, mode=Mode.IN_PERSON), self.ana)
        self.seat = seat.seat_id
        network.settle()
        self.window = network.feedback.send(
            OpenWindow(
                region_id=self.place.region,
                name="November",
                opens_at=network.clock.now(),
                closes_at=datetime(2026, 12, 1, tzinfo=UTC),
            ),
            REGIONAL,
        ).window_id
        network.settle()
        network.clock.step(
            days=3, hours=10, minutes=30
        )  # half an hour into the meeting: sheets are open, links are shown
        self._hold()
        self.guest = network.registration.send(r.AddWalkIn(meeting_id=self.meeting), self.place.host).guest_id
        self.contact = self._contact()
        series = network.meetings.ask(m.MeetingPage(meeting_id=self.meeting), OPERATOR).series_id
        self.series = network.meetings.ask(m.SeriesPage(series_id=series), OPERATOR)

    def _hold(self) -> None:
        with self.network.notifications.store.writing() as work:
            found = select(notices.c.notice_id).where(notices.c.kind == "seat_confirmed", notices.c.channel == "email")
            self.notice = work.connection.scalars(found).one()
            held = update(notices).where(notices.c.notice_id == self.notice).values(state="held")
            work.connection.execute(held)

    def _contact(self) -> str:
        with self.network.notifications.store.reading() as work:
            return next(each.contact_point_id for each in work.contacts.of("ana") if each.channel is Channel.EMAIL)

    def payloads(self) -> dict[str, dict[str, Any]]:
        """One good payload for every request; the test fails for a request that has none."""
        network, place = self.network, self.place
        meetings, registration = network.meetings.seal, network.registration.seal
        notifications, feedback = network.notifications.seal, network.feedback.seal
        changed = {"meeting_id": self.meeting, "revision": 1}
        series = {"series_id": self.series.series_id, "from_date": "2026-11-12"}
        as_of = self.series.as_of.isoformat()
        change = {
            "rrule": "FREQ=WEEKLY;BYDAY=TH", "starts": "18:00", "minutes": 90, "venue_id": place.venue,
            "room_id": place.room, "offers": [{"mode": "in_person", "capacity": 12}],
        }  # fmt: skip
        rule = {"rrule": "FREQ=WEEKLY;BYDAY=TU", "starts_on": "2026-11-10", "starts": "19:00", "minutes": 90}
        choice = {"purpose": "meeting_reminders", "channel": "sms", "granted": True}
        span = {"after": "2026-11-01T00:00:00Z", "before": "2026-12-01T00:00:00Z"}
        row = {
            "name": "Talk", "slug": "talk", "day": 2, "time": "19:00", "address": "1 Quay Street", "city": "London"
        }  # fmt: skip
        return {
            "meetings.found_region.v1": {"name": "North Shore", "slug": "north-shore"},
            "meetings.open_chapter.v1": {
                "region_id": place.region,
                "name": "New",
                "slug": "new",
                "time_zone": "Europe/London",
            },
            "meetings.found_group.v1": {
                "chapter_id": place.chapter,
                "name": "New",
                "purpose": "Talk",
                "audience": "all",
                "access": "lift",
                "languages": ["en"],
                "kind": "peer",
                "format": "topic",
                "policy": "open",
            },
            "meetings.add_venue.v1": {
                "chapter_id": place.chapter,
                "name": "Hall",
                "address": "2 Quay Street",
                "city": "London",
                "postal_code": "E1",
                "country": "GB",
                "access": "lift",
            },
            "meetings.add_room.v1": {
                "chapter_id": place.chapter,
                "name": "Room 2",
                "link": meetings("https://meet.example.org/two"),
                "dial_in": meetings("+44 20 7946 0001"),
                "passcode": meetings("x"),
            },
            "meetings.schedule_series.v1": {
                "group_id": place.group,
                "rule": rule,
                "offers": [{"mode": "in_person", "capacity": 12}],
                "venue_id": place.venue,
                "room_id": place.room,
            },
            "meetings.change_series.v1": {**series, "as_of": as_of, "change": change},
            "meetings.stop_series.v1": {**series, "as_of": as_of},
            "meetings.series_page.v1": {"series_id": self.series.series_id},
            "meetings.preview_series_change.v1": {**series, "change": change},
            "meetings.move_meeting.v1": {
                **changed,
                "room_id": place.room,
                "starts_local": "2026-11-06T19:00:00",
                "minutes": 60,
                "venue_id": place.venue,
            },
            "meetings.move_online.v1": changed,
            "meetings.move_back.v1": changed,
            "meetings.cancel_meeting.v1": changed,
            "meetings.import_meetings.v1": {
                "chapter_id": place.chapter,
                "first_row": 1,
                "rows_json": json.dumps([row]),
                "in_person_capacity": 20,
                "online_capacity": 100,
            },
            "meetings.list_chapters.v1": {},
            "meetings.chapter_page.v1": {"chapter_id": place.chapter},
            "meetings.meeting_page.v1": {"meeting_id": self.meeting},
            "meetings.find_meetings.v1": {
                **span,
                "chapter_ids": [place.chapter],
                "meeting_ids": [self.meeting],
                "weekday": 3,
                "mode": "online",
                "text": "talk",
                "limit": 5,
                "include_over": True,
            },
            "meetings.preview_series.v1": {"chapter_id": place.chapter, "rule": rule, "most": 12},
            "meetings.ask_join_link.v1": {"meeting_id": self.meeting},
            "meetings.meeting_guide_feed.v1": {"chapter_id": place.chapter, "site": PORTAL},
            "meetings.calendar_feed.v1": {"chapter_id": place.chapter, "group_id": place.group, "site": PORTAL},
            "registration.join.v1": {
                "alias": registration("Zoe"),
                "role_in_attending": "family",
                "agreement_version": 1,
                "wording": 1,
                "locale": "en",
                "consents": [choice],
            },
            "registration.accept_agreement.v1": {"version": 1},
            "registration.decide_consents.v1": {
                "choices": [{**choice, "granted": False}],
                "wording": 1,
                "locale": "en",
            },
            "registration.leave.v1": {},
            "registration.take_seat.v1": {"meeting_id": self.meeting, "mode": "online"},
            "registration.switch_mode.v1": {"meeting_id": self.meeting, "mode": "online", "or_wait": True},
            "registration.give_up_seat.v1": {"meeting_id": self.meeting},
            "registration.mark_attendance.v1": {
                "meeting_id": self.meeting,
                "seat_id": self.seat,
                "outcome": "attended",
                "mode": "online",
            },
            "registration.add_walk_in.v1": {
                "meeting_id": self.meeting,
                "alias": registration("Gil"),
                "mode": "in_person",
            },
            "registration.close_attendance.v1": {"meeting_id": self.meeting},
            "registration.current_agreement.v1": {"locale": "en"},
            "registration.my_membership.v1": {},
            "registration.list_my_seats.v1": {},
            "registration.openings.v1": {"meeting_ids": [self.meeting]},
            "registration.list_meeting_seats.v1": {"meeting_id": self.meeting},
            "registration.count_seats.v1": {"meeting_ids": [self.meeting]},
            "notifications.start_verification.v1": {
                "channel": "email",
                "contact": notifications("new@example.org"),
                "country": "US",
                "locale": "en",
                "client": "abc",
            },
            "notifications.confirm_code.v1": {
                "verification_id": "none",
                "code": notifications("123456"),
                "member_id": "ana",
            },
            "notifications.set_preferences.v1": {
                "preferences": {
                    "discretion": "open",
                    "quiet_from": "21:00",
                    "quiet_to": "08:00",
                    "time_zone": "Europe/London",
                    "locale": "en",
                    "urgent_in_quiet_hours": True,
                }
            },
            "notifications.remove_contact.v1": {"contact_point_id": self.contact},
            "notifications.unsubscribe.v1": {"token": "none"},
            "notifications.receive_callback.v1": {
                "what": "inbound",
                "url": f"{PORTAL}/hooks/sms/inbound",
                "form": notifications("[]"),
                "signature": "x",
            },
            "notifications.settle_held.v1": {"notice_id": self.notice, "decision": "arrived"},
            "notifications.list_my_contacts.v1": {},
            "notifications.preview_lock_screen.v1": {"discretion": "open", "locale": "en"},
            "notifications.preview_change.v1": {"meeting_id": self.meeting, "change": "moved_online", "locale": "en"},
            "notifications.notice_progress.v1": {"meeting_id": self.meeting, "revision": 1},
            "notifications.ask_join_details.v1": {"meeting_id": self.meeting},
            "notifications.ask_calendar_file.v1": {"meeting_id": self.meeting},
            "feedback.open_window.v1": {
                "region_id": place.region,
                "name": "Later",
                "opens_at": "2027-01-01T00:00:00Z",
                "closes_at": "2027-02-01T00:00:00Z",
                "grace_hours": 72,
            },
            "feedback.draw_code.v1": {"window_id": self.window, "chapter_id": place.chapter},
            "feedback.submit_slip.v1": {
                "code": feedback("ABCD-EFGH-JKMN"),
                "answers": feedback(json.dumps({"values": {"safe": 1}})),
            },
            "feedback.current_form.v1": {"locale": "en"},
            "feedback.list_windows.v1": {},
            "feedback.read_report.v1": {"window_id": self.window},
        }

    def actors(self) -> dict[str, Any]:
        """Everyone who might ask, the curious among them."""
        from shared.contracts.base import Actor  # noqa: PLC0415

        chapter = self.place.chapter
        return {
            "visitor": Actor(role=Role.VISITOR),
            "ana": member("ana"),
            "ben": member("ben"),
            "nobody": Actor(role=Role.MEMBER),
            "own coordinator": coordinator(chapter),
            "other coordinator": coordinator(self.other.chapter),
            "coordinator of nothing": coordinator(),
            "regional": Actor(role=Role.REGIONAL, id="regional-1", chapters=(chapter,)),
            "operator": Actor(role=Role.OPERATOR, id="operator"),
            "provider": Actor(role=Role.PROVIDER),
            "notifications": Actor(role=Role.SERVICE, id="notifications"),
            "registration": Actor(role=Role.SERVICE, id="registration"),
        }


def product_requests() -> list[str]:
    """Every request of the product's contracts (tests may add probes of their own)."""
    return sorted(name for name, model in REQUESTS.items() if model.__module__.startswith("shared.contracts."))
