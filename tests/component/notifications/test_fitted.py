"""The real templates with what the service really hands them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace

from icalendar import Calendar

from services.notifications.fitting import fitted
from services.notifications.service import NotificationsService
from services.notifications.settings import NotificationsSettings
from shared.contracts.base import Channel, Event, Mode
from shared.contracts.meetings import MeetingCancelled, MeetingMovedBack, MeetingMovedOnline, MeetingStatus
from shared.contracts.notifications import (
    AskCalendarFile,
    Discretion,
    NoticeKind,
    PreviewChange,
    PreviewLockScreen,
    ReceiveCallback,
)
from shared.contracts.registration import SeatReason, SeatState
from tests.component.notifications.fakes import MEETING, ONLINE, PROVIDER, Town, chapter, meeting, number, seat
from tests.support.world import VISITOR, coordinator, member

URL = "https://portal.example/hooks/sms/inbound"
TELLING = ("Tuesday Circle", "North", "support group", "recovery", "mental")


class Fitted(Town):
    """A town with the real templates, and fakes only where the network begins."""

    def new_service(self) -> NotificationsService:
        self.settings = NotificationsSettings(
            lanes=1, portal_url="https://portal.example", sms_token="secret", mail_from="Notices <n@mail.example>"
        )
        outfit = fitted(self.settings, self.parts.clock)
        fakes = replace(outfit, sender=lambda channel: self.mail if channel is Channel.EMAIL else self.sms)
        return NotificationsService(self.parts, settings=self.settings, outfit=fakes)

    def code_to(self, contact: str) -> str:
        text = [m.words.text for m in [*self.mail.taken, *self.sms.taken] if m.to == contact][-1]
        return next(word for word in text.replace(".", " ").split() if word.isdigit() and len(word) == 6)


def life() -> list[list[Event]]:
    """An evening, as news comes."""
    moved = SeatReason.MOVED
    return [
        [chapter(), meeting(), seat("ana"), seat("ben", state=SeatState.WAITLISTED), seat("cleo", mode=Mode.ONLINE)],
        [meeting(MeetingMovedOnline, 2, offers=ONLINE), seat("ana", 2, reason=moved, mode=Mode.ONLINE, revision=2)],
        [seat("ben", 2, reason=moved, mode=Mode.ONLINE, revision=2)],
        [meeting(MeetingMovedBack, 3), seat("ana", 3, reason=moved, revision=3)],
        [seat("ben", 3, state=SeatState.WAITLISTED, reason=moved, revision=3)],
        [seat("ben", 4, reason=SeatReason.PROMOTED, revision=3)],
        [seat("cleo", 2, state=SeatState.RELEASED, reason=SeatReason.GIVEN_UP, revision=3)],
        [meeting(MeetingCancelled, 4, status=MeetingStatus.CANCELLED)],
    ]


def test_every_kind_of_notice_can_be_worded_and_tells_nothing() -> None:
    """Through both channels at the default level; calendar entries can be read, and rise in sequence."""
    town = Fitted()
    for who in ("ana", "ben", "cleo"):
        town.join(who, sms=True)
    for news in life():
        town.deliver(*news)
        town.send_all()
    kinds = {row.kind for row in town.rows() if row.state == "sent"}
    assert kinds == {kind.value for kind in NoticeKind} - {"reminder", "feedback_ask"}
    for message in [*town.mail.taken, *town.sms.taken]:
        said = f"{message.words.subject} {message.words.text} {message.calendar and message.calendar.body}"
        assert not [word for word in TELLING if word.lower() in said.lower()], said
    entries = [Calendar.from_ical(m.calendar.body) for m in town.mail.taken if m.calendar and "ana@" in m.to]
    events = [entry.walk("VEVENT")[0] for entry in entries]
    assert len({str(event["UID"]) for event in events}) == 1
    sequences = [int(event["SEQUENCE"]) for event in events]
    assert sequences == sorted(set(sequences))
    assert str(entries[-1]["METHOD"]) == "CANCEL"


def test_queries_answer_with_the_real_templates() -> None:
    """Previews and the calendar file."""
    town = Fitted()
    town.deliver(chapter(), meeting(), seat("ana"))
    assert "BEGIN:VCALENDAR" in town.ask(AskCalendarFile(meeting_id=MEETING), member("ana")).body
    for change in ("moved_online", "moved_back", "cancelled"):
        preview = town.ask(PreviewChange(meeting_id=MEETING, change=change), coordinator("chapter-1"))
        assert preview.subject
        assert preview.sms_parts >= 1
    shown = town.ask(PreviewLockScreen(discretion=Discretion.DISCREET), VISITOR).previews
    assert len(shown) == len(NoticeKind) * len(Channel)


def test_a_signed_stop_is_believed() -> None:
    """With the provider's own signature over the public URL."""
    town = Fitted()
    town.join("ana", sms=True)
    form = [["Body", "STOP"], ["From", number("ana")], ["MessageSid", "SM1"]]
    text = URL + "".join(name + value for name, value in sorted(form))
    signature = base64.b64encode(hmac.digest(b"secret", text.encode(), hashlib.sha1)).decode()
    command = ReceiveCallback(what="inbound", url=URL, form=town.seal(json.dumps(form)), signature=signature)
    assert "<Message>" in town.send(command, PROVIDER).body
