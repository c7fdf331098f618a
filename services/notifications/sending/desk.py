"""What is known of a notice just before it leaves, and its words. Nothing here is written or sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parseaddr

from services.notifications.handlers.gathering import Terms, facts_of, standing, wants_link
from services.notifications.messages import Calendar, Facts, Message, Wording
from services.notifications.model.gate import Go, Standing, Verdict, Wait, gate
from services.notifications.model.kinds import URGENT
from services.notifications.model.planning import expiry
from services.notifications.model.records import Meeting, Notice
from services.notifications.sending import recording
from services.notifications.sending.errands import NotNow, WayIn, ask_way_in, draw_code, with_way_in
from services.notifications.settings import NotificationsSettings
from services.notifications.store import NotificationsWork
from services.notifications.work import Work
from shared.contracts.base import Channel, MeetingId, Mode
from shared.contracts.notifications import NoticeKind
from shared.runtime.parts import Parts

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
        return _mark(self.at, self.address)


class Desk:
    """Where one lane makes notices ready."""

    def __init__(
        self, parts: Parts[NotificationsWork], settings: NotificationsSettings, terms: Terms, wording: Wording
    ) -> None:
        self._parts = parts
        self._settings = settings
        self._terms = terms
        self._wording = wording
        self._ways: dict[tuple[MeetingId, int], WayIn | NotNow] = {}

    def clear(self) -> None:
        """Forget every way into a room: the next batch asks anew."""
        self._ways.clear()

    def look(self, work: Work, notice: Notice, *, anyway: bool = False) -> Gathered:
        """Ask the gate, and gather the facts where it lets the notice through, or ``anyway``."""
        at = standing(work, notice, self._terms)
        verdict = gate(at)
        address: str | None = None
        facts = Facts(portal_url=self._terms.portal_url)
        if isinstance(verdict, Go) or anyway:
            address = self._address(work, at)
            facts = facts_of(work, at, self._terms)
        return Gathered(verdict, at, facts, address)

    def look_again(self, work: Work, seen: Gathered, held: Notice) -> tuple[Verdict, Standing]:
        """Ask the gate once more, as the notice is marked; a verdict Wait where its words are stale."""
        at = standing(work, held, self._terms)
        verdict = gate(at)
        if isinstance(verdict, Go) and _mark(at, self._address(work, at)) != seen.mark:
            verdict = Wait(work.now, "changed")
        return verdict, at

    def _address(self, work: Work, at: Standing) -> str | None:
        if at.verification is not None:
            return work.contacts.under_way(at.verification)
        return work.contacts.address(at.contact) if at.contact else None

    def company(self, seen: Gathered) -> str:
        """Notices of one company are made ready and marked together. Alone go texts, which wait for a provider, and what
        a person would have to look after, were this process to die in the middle (model.kinds.URGENT).
        """
        notice = seen.at.notice
        if notice.channel is not Channel.EMAIL or notice.kind not in URGENT:
            return notice.notice_id
        return "with a link" if wants_link(seen.at, self._terms.link_within) else ""

    def must_ask(self, seen: Gathered) -> bool:
        """Whether its words need what another service has not been asked for yet."""
        if not isinstance(seen.verdict, Go):
            return False
        if seen.at.notice.kind is NoticeKind.FEEDBACK_ASK:
            return seen.facts.code is None
        meeting = seen.at.meeting
        asked = meeting is None or (meeting.meeting_id, meeting.revision) in self._ways
        return not asked and wants_link(seen.at, self._terms.link_within)

    def run_errands(self, seen: Gathered, lease: str) -> Gathered:
        """Ask for what the words need; a verdict Wait where it is not to be had now."""
        notice = seen.at.notice
        if notice.kind is NoticeKind.FEEDBACK_ASK and seen.facts.code is None:
            return self._with_code(seen, lease)
        if wants_link(seen.at, self._terms.link_within):
            return self._with_link(seen)
        if seen.facts.mode in (Mode.ONLINE, Mode.PHONE):
            return replace(seen, facts=replace(seen.facts, link_comes_later=True))
        return seen

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
            return self.look(work, notice)

    def _with_link(self, seen: Gathered) -> Gathered:
        meeting = seen.at.meeting
        if meeting is None:
            return seen
        way = self._way_into(meeting)
        if isinstance(way, NotNow):
            if seen.at.now < seen.at.notice.created_at + WITHOUT_LINK_AFTER:
                return replace(seen, verdict=Wait(seen.at.now + ERRAND_AGAIN, way.reason))
            return replace(seen, facts=with_way_in(seen.facts, None))
        return replace(seen, facts=with_way_in(seen.facts, way))

    def _way_into(self, meeting: Meeting) -> WayIn | NotNow:
        """Asked once a batch, also where there is no answer: the others of it would wait for none either."""
        key = (meeting.meeting_id, meeting.revision)
        if key not in self._ways:
            try:
                self._ways[key] = ask_way_in(self._parts.ask, self._parts.keys, meeting.meeting_id)
            except NotNow as not_now:
                self._ways[key] = not_now
        return self._ways[key]

    def worded(self, seen: Gathered) -> Message:
        """Its message. Only for what came through the gate, or has an address."""
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


def _mark(at: Standing, address: str | None) -> tuple[object, ...]:
    meeting, seat = at.meeting, at.seat
    return (
        meeting.newness if meeting else None,
        (seat.seat_id, seat.change) if seat else None,
        at.preferences,
        address,
    )


def expires(at: Standing) -> datetime | None:
    """From when on it is better unsaid, as things stand now."""
    if at.meeting is not None and at.notice.window_id is None:
        return expiry(at.notice.kind, at.meeting)
    return at.notice.expires_at


def _valid_seconds(at: Standing) -> int:
    if at.verification is not None:
        left = at.verification.expires_at - at.real_now
    else:
        end = expires(at)
        left = end - at.now if end else timedelta(seconds=LONGEST_VALID)
    return max(1, min(LONGEST_VALID, int(left.total_seconds())))
