"""Time: nights when the clocks change, chapters far away, midnight, and a clock that jumps a week ahead."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from services.notifications.store.tables import notices
from shared.contracts import meetings as m
from shared.contracts import notifications as n
from shared.contracts import registration as r
from shared.contracts.base import Mode
from tests.support.region import Region, region, utc
from tests.support.world import member


def states(network: Region, kind: str) -> list[tuple[str, str]]:
    """(state, reason) of all notices of a kind."""
    with network.notifications.store.reading() as work:
        found = work.connection.execute(select(notices.c.state, notices.c.reason).where(notices.c.kind == kind))
        return [(row.state, row.reason) for row in found]


def test_a_clock_that_jumps_eight_days_sends_nothing_late() -> None:
    """Reminders whose meeting is over expire or never come to be; the series is laid out on; what is over is ended."""
    with region() as network:
        place = network.found()
        first, second, *_ = place.schedule(date(2026, 11, 5), count=20)
        ana = network.join("ana")
        network.settle()
        for meeting in (first, second):
            network.registration.send(r.TakeSeat(meeting_id=meeting, mode=Mode.IN_PERSON), ana)
        network.settle()
        before = len(network.mail.taken)
        last_before = _last(network)
        network.step(days=8)
        assert place.page(first).status is m.MeetingStatus.ENDED
        assert place.page(second).status is m.MeetingStatus.SCHEDULED
        assert _last(network) > last_before, "the series goes on"
        assert len(network.mail.taken) == before, "nothing is sent of a meeting that is over"
        assert all(state != "sent" for state, _ in states(network, "reminder"))
        assert network.registration.ask(r.ListMySeats(), ana).seats[0].meeting_id == second
        network.step(days=1, hours=12)
        assert states(network, "reminder")[-1] == ("sent", "")
        assert len(network.mail.taken) == before + 1


def _last(network: Region) -> datetime:
    now = network.clock.now()
    found = network.meetings.ask(m.FindMeetings(after=now, before=now + timedelta(days=200), limit=500), member("ana"))
    return found.meetings[-1].starts_at


def test_a_change_that_waits_in_the_queue_expires_with_its_meeting() -> None:
    """A mail server that is away over the meeting: the news of the move is not sent the morning after."""
    from services.notifications.messages import Transient  # noqa: PLC0415

    with region() as network:
        place = network.found()
        (meeting,) = place.schedule(date(2026, 11, 5))
        ana = network.join("ana")
        network.settle()
        network.registration.send(r.TakeSeat(meeting_id=meeting, mode=Mode.IN_PERSON), ana)
        network.settle()
        network.mail.answers = [Transient("no_connection")]
        place.change(m.MoveOnline, meeting)
        network.step(seconds=30)
        before = len(network.mail.taken)
        network.step(days=8)
        assert len(network.mail.taken) == before
        assert {state for state, _ in states(network, "meeting_changed")} == {"expired"}


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Pacific/Apia"])
def test_a_chapter_far_away_lives_by_its_own_clock(zone: str) -> None:
    """Local time in pages, mails and calendars; the reminder keeps the chapter's quiet hours; the day is the local one."""
    with region(start=utc(2026, 11, 2, 3)) as network:
        place = network.found(zone=zone, slug="far")
        (meeting,) = place.schedule(date(2026, 11, 6), time(7, 15))
        page = place.page(meeting)
        assert page.starts_at.astimezone(ZoneInfo(zone)) == datetime(2026, 11, 6, 7, 15, tzinfo=ZoneInfo(zone))
        ana = network.join("ana", quiet=True)
        network.settle()
        network.registration.send(r.TakeSeat(meeting_id=meeting, mode=Mode.IN_PERSON), ana)
        network.settle()
        ends = page.starts_at + timedelta(hours=1)
        seen = []
        while network.clock.now() < ends:
            before = len(network.mail.taken)
            network.step(minutes=90)
            if len(network.mail.taken) > before:
                seen += [network.clock.now().astimezone(ZoneInfo(zone))] * (len(network.mail.taken) - before)
        assert ("sent", "") in states(network, "reminder")
        for moment in seen:
            assert 8 <= moment.hour < 21, f"{moment} is in the quiet hours"
        calendar = next(message.calendar for message in network.mail.taken if message.calendar)
        assert f"DTSTART;TZID={zone}:20261106T071500" in calendar.body


@pytest.mark.parametrize(
    ("zone", "day", "at"),
    [
        ("Europe/London", date(2026, 10, 25), time(1, 30)),  # comes twice
        ("Europe/London", date(2027, 3, 28), time(1, 30)),  # never comes
        ("America/Chicago", date(2026, 11, 1), time(0, 0)),  # midnight before the night of the change
        ("Africa/Cairo", date(2027, 4, 30), time(0, 0)),  # midnight never comes
        ("Europe/London", date(2026, 12, 31), time(23, 30)),  # ends next year
    ],
)
def test_a_meeting_at_an_odd_hour_is_held_for_its_length(zone: str, day: date, at: time) -> None:
    """Laid out once, reminded of once, ended once, and in the calendar for ninety minutes."""
    start = datetime.combine(day, time(12), tzinfo=UTC) - timedelta(days=5)
    with region(start=start) as network:
        place = network.found(zone=zone)
        (meeting,) = place.schedule(day, at)
        page = place.page(meeting)
        assert page.ends_at - page.starts_at == timedelta(minutes=90)
        ana = network.join("ana")
        network.settle()
        network.registration.send(r.TakeSeat(meeting_id=meeting, mode=Mode.ONLINE), ana)
        network.settle()
        network.clock.step(seconds=(page.starts_at - network.clock.now()).total_seconds() - 3600)
        network.settle()
        assert states(network, "reminder") == [("sent", "")]
        network.step(hours=1)
        assert place.page(meeting).status is m.MeetingStatus.SCHEDULED
        network.step(minutes=90)
        assert place.page(meeting).status is m.MeetingStatus.ENDED
        assert len(network.meetings.published(m.MeetingEnded)) == 1


@pytest.mark.parametrize("quiet", [time(21, 0, tzinfo=UTC), time(21, 0, 30)])
def test_quiet_hours_with_an_offset_do_not_stop_a_members_mail_for_good(quiet: time) -> None:
    """A wish that cannot be compared with a clock is refused by name, or understood; the reminder leaves all the same."""
    from shared.contracts.errors import Invalid  # noqa: PLC0415

    with region() as network:
        place = network.found()
        (meeting,) = place.schedule(date(2026, 11, 5))
        ana = network.join("ana")
        network.settle()
        wish = n.Preferences(quiet_from=time(8, 0), time_zone="Europe/London").model_copy(update={"quiet_from": quiet})
        if quiet.tzinfo:
            with pytest.raises(Invalid) as refused:
                network.notifications.send(n.SetPreferences(preferences=wish), ana)
            assert str(refused.value.field) == "preferences.quiet_from"
        else:
            network.notifications.send(n.SetPreferences(preferences=wish), ana)
        network.registration.send(r.TakeSeat(meeting_id=meeting, mode=Mode.IN_PERSON), ana)
        network.settle()
        network.step(days=3, hours=3)
        assert ("sent", "") in states(network, "reminder")
