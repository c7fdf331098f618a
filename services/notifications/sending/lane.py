"""One lane of the sending loop: it leases a few notices and brings each to its end, or back to waiting."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parseaddr

import structlog

from services.notifications.handlers.gathering import Terms, facts_of, standing, wants_link
from services.notifications.messages import (
    DOES_NOT_ANSWER,
    Calendar,
    Facts,
    Message,
    Result,
    Sender,
    Transient,
    Unknown,
    Wording,
)
from services.notifications.model.gate import Go, Standing, Verdict, Wait, gate
from services.notifications.model.planning import expiry
from services.notifications.model.records import Notice
from services.notifications.sending import recording
from services.notifications.sending.errands import NotNow, WayIn, ask_way_in, draw_code, with_way_in
from services.notifications.settings import NotificationsSettings
from services.notifications.store import NotificationsWork
from services.notifications.work import Work
from shared.contracts.base import Channel, MeetingId, Mode
from shared.contracts.notifications import NoticeKind, NoticeState
from shared.runtime.clock import real_now
from shared.runtime.parts import Parts

log = structlog.get_logger(__name__)

ERRAND_AGAIN = timedelta(seconds=30)
WITHOUT_LINK_AFTER = timedelta(minutes=10)
"""How long a notice waits for a link that meetings does not give; then it goes and says that the link comes later."""
LONGEST_VALID = 36000


@dataclass(frozen=True)
class Gathered:
    """What one look at the database told of a notice."""

    verdict: Verdict
    at: Standing
    facts: Facts
    address: str | None

    @property
    def mark(self) -> tuple[object, ...]:
        """What the words depend on: if it changed since, they are stale."""
        meeting, seat = self.at.meeting, self.at.seat
        return (
            meeting.newness if meeting else None,
            (seat.seat_id, seat.change) if seat else None,
            self.at.preferences,
            self.address,
        )


class Lane:
    """Sends one notice at a time, with connections of its own. Not for two threads."""

    def __init__(
        self,
        parts: Parts[NotificationsWork],
        settings: NotificationsSettings,
        terms: Terms,
        wording: Wording,
        make_sender: Callable[[Channel], Sender],
    ) -> None:
        self._parts = parts
        self._settings = settings
        self._terms = terms
        self._wording = wording
        self._make_sender = make_sender
        self._senders: dict[Channel, Sender] = {}
        self._ways: dict[tuple[MeetingId, int], WayIn] = {}

    def run(self) -> int:
        """Lease and handle one batch; the number of notices in it."""
        lease = str(uuid.uuid4())
        with self._parts.store.writing() as work:
            claimed = work.notices.claim(lease, self._lease_end(), self._settings.lane_batch)
        self._ways.clear()
        for notice in claimed:
            try:
                self._handle(notice, lease)
            except Exception as error:  # noqa: BLE001 - one notice must not stop the others; its lease runs out
                log.warning("notice_failed", kind=notice.kind.value, error=type(error).__name__)
        return len(claimed)

    def _lease_end(self) -> datetime:
        return real_now() + timedelta(seconds=self._settings.lease_seconds)

    def _handle(self, notice: Notice, lease: str) -> None:
        """From the gate to the record. Every transaction here is short, and none is open while something is asked or sent."""
        if notice.state is NoticeState.SENDING:
            self._take_over(notice, lease)
            return
        with self._parts.store.reading() as work:
            seen = self._gather(work, notice)
        message: Message | None = None
        if isinstance(seen.verdict, Go):
            seen = self._run_errands(seen, lease)
        if isinstance(seen.verdict, Go):
            message = self._worded(seen)
        attempt = self._mark(notice, lease, seen, message)
        if attempt is None or message is None:
            return
        message = replace(message, first_tried=notice.first_tried or real_now())
        result: Result = self._find(notice, message) if notice.doubtful else Transient("not_asked")
        if isinstance(result, Transient):
            result = self._send(message)
        elif result == Unknown(DOES_NOT_ANSWER):
            result = Transient(DOES_NOT_ANSWER, doubtful=True)  # nothing was sent this time: it can be asked again
        found = self._find(notice, message, own=True) if isinstance(result, Unknown) else None
        with self._parts.store.writing() as work:
            recording.conclude(work, notice.notice_id, lease, attempt=attempt, result=result, found=found)

    # -- looking ------------------------------------------------------------------------------

    def _gather(self, work: Work, notice: Notice, *, anyway: bool = False) -> Gathered:
        at = standing(work, notice, self._terms)
        verdict = gate(at)
        address: str | None = None
        facts = Facts(portal_url=self._terms.portal_url)
        if isinstance(verdict, Go) or anyway:
            address = self._address(work, at)
            facts = facts_of(work, at, self._terms)
        return Gathered(verdict, at, facts, address)

    def _address(self, work: Work, at: Standing) -> str | None:
        if at.verification is not None:
            return work.contacts.under_way(at.verification)
        return work.contacts.address(at.contact) if at.contact else None

    def _run_errands(self, seen: Gathered, lease: str) -> Gathered:
        """Ask for what the words need; a verdict Wait where it is not to be had now."""
        notice = seen.at.notice
        if notice.kind is NoticeKind.FEEDBACK_ASK and seen.facts.code is None:
            return self._with_code(seen, lease)
        if wants_link(seen.at, self._terms.link_within):
            return self._with_link(seen)
        later = seen.facts.mode in (Mode.ONLINE, Mode.PHONE)
        return replace(seen, facts=replace(seen.facts, link_comes_later=later))

    def _with_code(self, seen: Gathered, lease: str) -> Gathered:
        notice = seen.at.notice
        if notice.window_id is None or notice.chapter_id is None:
            return seen
        try:
            code, until = draw_code(self._parts.ask, self._parts.keys, notice.window_id, notice.chapter_id)
        except NotNow as not_now:
            return replace(seen, verdict=Wait(seen.at.now + ERRAND_AGAIN * 10, not_now.reason))
        with self._parts.store.writing() as work:
            if recording.mine(work, notice.notice_id, lease) is None:
                return replace(seen, verdict=Wait(seen.at.now, "lease_lost"))
            work.notices.keep_code(notice.notice_id, code, until)
            return self._gather(work, notice)

    def _with_link(self, seen: Gathered) -> Gathered:
        meeting = seen.at.meeting
        if meeting is None:
            return seen
        key = (meeting.meeting_id, meeting.revision)
        try:
            if key not in self._ways:
                self._ways[key] = ask_way_in(self._parts.ask, self._parts.keys, meeting.meeting_id)
        except NotNow as not_now:
            if seen.at.now < seen.at.notice.created_at + WITHOUT_LINK_AFTER:
                return replace(seen, verdict=Wait(seen.at.now + ERRAND_AGAIN, not_now.reason))
            return replace(seen, facts=with_way_in(seen.facts, None))
        return replace(seen, facts=with_way_in(seen.facts, self._ways[key]))

    # -- wording ------------------------------------------------------------------------------

    def _worded(self, seen: Gathered) -> Message:
        notice, chosen = seen.at.notice, seen.at.preferences
        channel = notice.channel
        if channel is None or seen.address is None:
            raise LookupError("a notice without an address came through the gate")
        locale = seen.at.verification.locale if seen.at.verification else chosen.locale
        words = self._wording.words(notice.kind, channel, chosen.discretion, locale, seen.facts)
        calendar: Calendar | None = None
        if channel is Channel.EMAIL:
            calendar = self._wording.calendar(
                notice.kind,
                chosen.discretion,
                locale,
                seen.facts,
                organizer=parseaddr(self._settings.mail_from)[1],
                attendee=seen.address,
            )
        name = self._parts.keys.keyed_hash("message-id", notice.notice_id)[:32]
        return Message(
            notice_id=notice.notice_id,
            channel=channel,
            to=seen.address,
            words=words,
            calendar=calendar,
            unsubscribe_url=seen.facts.unsubscribe_url,
            message_id=f"{name}@{self._settings.mail_domain}",
            valid_seconds=_valid_seconds(seen.at),
        )

    # -- marking and sending ------------------------------------------------------------------

    def _mark(self, notice: Notice, lease: str, seen: Gathered, message: Message | None) -> int | None:
        """Mark it SENDING, committed before the first byte; None where it may not leave, or no longer as it is worded."""
        with self._parts.store.writing() as work:
            held = recording.mine(work, notice.notice_id, lease)
            if held is None or held.state is not NoticeState.WAITING:
                return None
            if message is None:
                recording.put_aside(work, held, seen.verdict)
                return None
            now = self._gather(work, held)
            if not isinstance(now.verdict, Go):
                recording.put_aside(work, held, now.verdict)
                return None
            if now.mark != seen.mark:
                recording.put_aside(work, held, Wait(work.now, "changed"))
                return None
            return work.notices.begin(
                held, until=self._lease_end(), expires_at=_expires(now.at), words=self._hash(message)
            )

    def _sender(self, channel: Channel) -> Sender:
        if channel not in self._senders:
            self._senders[channel] = self._make_sender(channel)
        return self._senders[channel]

    def _send(self, message: Message) -> Result:
        try:
            return self._sender(message.channel).send(message)
        except Exception as error:  # noqa: BLE001 - it may have gone out before it failed
            log.warning("sender_failed", channel=message.channel.value, error=type(error).__name__)
            return Unknown("sender_failed")

    def _find(self, notice: Notice, message: Message, *, own: bool = False) -> Result:
        """Whether the provider has it. That it has not is believed only of the very words that were tried (``own``)."""
        try:
            found = self._sender(message.channel).find(message)
        except Exception as error:  # noqa: BLE001 - then nobody can tell
            log.warning("sender_failed", channel=message.channel.value, error=type(error).__name__)
            return Unknown("sender_failed")
        same = own or notice.words == self._hash(message)
        return found if same or not isinstance(found, Transient) else Unknown("worded_otherwise")

    def _hash(self, message: Message) -> str:
        return self._parts.keys.keyed_hash("words", message.words.text)

    def _take_over(self, notice: Notice, lease: str) -> None:
        """Another process died while it was sending this: the outcome is unknown, so the provider is asked first."""
        with self._parts.store.reading() as work:
            seen = self._gather(work, notice, anyway=True)
        found: Result = Unknown("left_behind")
        if seen.address is not None:
            message = self._worded(self._run_errands(seen, lease))
            found = self._find(notice, replace(message, first_tried=notice.first_tried))
        with self._parts.store.writing() as work:
            unknown = Unknown("left_behind")
            recording.conclude(work, notice.notice_id, lease, attempt=notice.attempts, result=unknown, found=found)


def _expires(at: Standing) -> datetime | None:
    if at.meeting is not None and at.notice.window_id is None:
        return expiry(at.notice.kind, at.meeting)
    return at.notice.expires_at


def _valid_seconds(at: Standing) -> int:
    if at.verification is not None:
        left = at.verification.expires_at - at.real_now
    else:
        expires = _expires(at)
        left = expires - at.now if expires else timedelta(seconds=LONGEST_VALID)
    return max(1, min(LONGEST_VALID, int(left.total_seconds())))
