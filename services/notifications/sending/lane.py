"""One lane of the sending loop: it leases a few notices of one channel and brings each to its end, or back to waiting."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from services.notifications.handlers.gathering import Terms
from services.notifications.messages import (
    DOES_NOT_ANSWER,
    Message,
    Result,
    Sender,
    Transient,
    Unknown,
    Wording,
)
from services.notifications.model.gate import Go
from services.notifications.model.records import Notice
from services.notifications.sending import recording
from services.notifications.sending.desk import Desk, Gathered, expires
from services.notifications.sending.recording import Tried
from services.notifications.settings import NotificationsSettings
from services.notifications.store import NotificationsWork
from services.notifications.work import Work
from shared.contracts.base import Channel, NoticeId
from shared.contracts.notifications import NoticeState
from shared.runtime.clock import real_now
from shared.runtime.parts import Parts

log = structlog.get_logger(__name__)

AT_ONCE, AT_ONCE_SECONDS = 100, 0.5
"""So many notices are leased and looked at together, at most; and so long they are begun to be handled, the rest is given back.
What becomes due meanwhile waits for no more than that, however urgent."""
MARKED_SECONDS = 0.25
"""So long after they were marked together notices are still begun to be sent; the rest is given back. News that comes
meanwhile finds them gone, so it is short; and far within the lease, whatever a server's time-outs."""

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Ready:
    """A notice that was looked at, and its message where the gate let it through."""

    seen: Gathered
    message: Message | None

    @property
    def notice(self) -> Notice:
        """The notice as it was leased."""
        return self.seen.at.notice


@dataclass(frozen=True)
class Marked:
    """A notice that is marked SENDING, as it stands now and as it was before."""

    notice: Notice
    before: Notice
    message: Message


@dataclass(frozen=True)
class Attempts:
    """What became of some that were marked together, not yet recorded; and those that there was no time for."""

    tried: Sequence[Tried] = ()
    untried: Sequence[Notice] = ()  # as they were before they were marked

    @property
    def ids(self) -> set[NoticeId]:
        """All that were marked."""
        return {each.notice.notice_id for each in self.tried} | {notice.notice_id for notice in self.untried}

    def record(self, work: Work, lease: str, held: Mapping[NoticeId, Notice]) -> None:
        """``held`` has them all, locked."""
        recording.conclude(work, lease, self.tried, held)
        recording.take_back(work, lease, self.untried, held)


class Lane:
    """Sends one notice of its channel at a time, with a connection of its own. Not for two threads."""

    def __init__(
        self,
        parts: Parts[NotificationsWork],
        settings: NotificationsSettings,
        terms: Terms,
        wording: Wording,
        *,
        channel: Channel,
        sender: Sender,
    ) -> None:
        self._parts = parts
        self._settings = settings
        self._desk = Desk(parts, settings, terms, wording)
        self._channel = channel
        self._sender = sender
        self._together = settings.lane_batch  # fewer while a server is slow
        self._at_once = AT_ONCE  # likewise

    def run(self) -> int:
        """Lease what is due next and handle it; the number of notices leased.

        Every transaction here is short, and none is open while something is asked or sent.
        """
        with self._parts.store.reading() as work:
            due = work.notices.next(self._channel, self._at_once, until=self._lease_end())
        if not due:
            return 0
        lease, until = str(uuid.uuid4()), time.monotonic() + AT_ONCE_SECONDS
        with self._parts.store.writing() as work:
            claimed = work.notices.claim(lease, self._lease_end(), due)
        self._desk.clear()
        left = [notice for notice in claimed if notice.state is NoticeState.SENDING]
        _each(left, lambda notice: notice, lambda notice: self._take_over(notice, lease))
        self._handle(
            self._look([notice for notice in claimed if notice.state is not NoticeState.SENDING]), lease, until
        )
        return len(claimed)

    def _look(self, waiting: Sequence[Notice]) -> list[Gathered]:
        if not waiting:
            return []
        with self._parts.store.reading() as work:
            work.foresee(waiting)
            return _each(waiting, lambda notice: notice, lambda notice: self._desk.look(work, notice))

    def _lease_end(self) -> datetime:
        return real_now() + timedelta(seconds=self._settings.lease_seconds)

    def _handle(self, looked: Sequence[Gathered], lease: str, until: float) -> None:
        """From the gate to the record. The record of some is in the transaction that marks the next."""
        companies: dict[str, list[Gathered]] = {}
        for seen in looked:
            companies.setdefault(self._desk.company(seen), []).append(seen)
        last: Attempts | None = None
        for company in companies.values():
            while company and (last is None or time.monotonic() < until):
                some = company[: self._together]
                del company[: self._together]
                last = self._advance(some, last or Attempts(), lease)
        left = [seen.at.notice.notice_id for company in companies.values() for seen in company]
        self._at_once = len(looked) - len(left) if left else min(2 * self._at_once, AT_ONCE)
        self._record(last or Attempts(), lease, left)

    def _advance(self, some: Sequence[Gathered], last: Attempts, lease: str) -> Attempts:
        """Mark these and try them. What was tried last is recorded whatever becomes of these."""
        if any(self._desk.must_ask(seen) for seen in some):  # that takes its time
            self._record(last, lease)
            last = Attempts()
        ready = _each(some, lambda seen: seen.at.notice, lambda seen: self._ready(seen, lease))
        try:
            with self._parts.store.writing() as work:
                held = work.notices.locked(last.ids | {each.notice.notice_id for each in ready})
                last.record(work, lease, held)
                marked = self._mark(work, ready, lease, held)
        except Exception as error:  # noqa: BLE001 - their leases run out
            log.warning("notices_not_marked", error=type(error).__name__)
            self._record(last, lease)
            return Attempts()
        return self._try_all(marked)

    def _record(self, last: Attempts, lease: str, left: Sequence[NoticeId] = ()) -> None:
        """By itself; and give back what is ``left``. Where that fails, the leases run out, and what was marked is in doubt."""
        if not last.ids and not left:
            return
        try:
            with self._parts.store.writing() as work:
                last.record(work, lease, work.notices.locked(last.ids))
                work.notices.give_back(lease, left)
        except Exception as error:  # noqa: BLE001 - see above
            log.warning("notices_not_recorded", error=type(error).__name__)

    def _try_all(self, marked: Sequence[Marked]) -> Attempts:
        tried: list[Tried] = []
        until = time.monotonic() + MARKED_SECONDS
        while len(tried) < len(marked) and (not tried or time.monotonic() < until):
            tried.append(self._try(marked[len(tried)]))
        if tried:
            slow = len(tried) < len(marked)
            self._together = len(tried) if slow else min(2 * self._together, self._settings.lane_batch)
        return Attempts(tried, [each.before for each in marked[len(tried) :]])

    def _ready(self, seen: Gathered, lease: str) -> Ready:
        if isinstance(seen.verdict, Go):
            seen = self._desk.run_errands(seen, lease)
        return Ready(seen, self._desk.worded(seen) if isinstance(seen.verdict, Go) else None)

    def _mark(self, work: Work, ready: Sequence[Ready], lease: str, held: Mapping[NoticeId, Notice]) -> list[Marked]:
        """Mark them SENDING, committed before the first byte; but those that may not leave, or no longer as worded."""
        known = [held[each.notice.notice_id] for each in ready if each.notice.notice_id in held]
        ours = {n.notice_id: n for n in known if n.leased_by == lease and n.state is NoticeState.WAITING}
        work.foresee(list(ours.values()))
        still = [each for each in ready if each.notice.notice_id in ours]
        found = _each(
            still, lambda each: each.notice, lambda each: self._marked(work, ours[each.notice.notice_id], each)
        )
        marked = [each for each in found if each is not None]
        if marked:
            work.notices.begin([each.notice for each in marked], until=self._lease_end())
        return marked

    def _marked(self, work: Work, held: Notice, ready: Ready) -> Marked | None:
        seen, message = ready.seen, ready.message
        if message is None:
            recording.put_aside(work, held, seen.verdict)
            return None
        verdict, now = self._desk.look_again(work, seen, held)
        if not isinstance(verdict, Go):
            recording.put_aside(work, held, verdict)
            return None
        first_tried = held.first_tried or real_now()
        begun = replace(
            held,
            attempts=held.attempts + 1,
            expires_at=expires(now),
            words=self._hash(message),
            first_tried=first_tried,
        )
        return Marked(begun, held, replace(message, first_tried=first_tried))

    # -- sending ------------------------------------------------------------------------------

    def _try(self, marked: Marked) -> Tried:
        notice, message = marked.before, marked.message
        result: Result = self._find(notice, message) if notice.doubtful else Transient("not_asked")
        if isinstance(result, Transient):
            result = self._send(message)
        elif result == Unknown(DOES_NOT_ANSWER):
            result = Transient(DOES_NOT_ANSWER, doubtful=True)  # nothing was sent this time: it can be asked again
        found = self._find(notice, message, own=True) if isinstance(result, Unknown) else None
        return Tried(marked.notice, result, found)

    def _send(self, message: Message) -> Result:
        try:
            return self._sender.send(message)
        except Exception as error:  # noqa: BLE001 - it may have gone out before it failed
            log.warning("sender_failed", channel=message.channel.value, error=type(error).__name__)
            return Unknown("sender_failed")

    def _find(self, notice: Notice, message: Message, *, own: bool = False) -> Result:
        """Whether the provider has it. That it has not is believed only of the very words that were tried (``own``)."""
        try:
            found = self._sender.find(message)
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
            seen = self._desk.look(work, notice, anyway=True)
        found: Result = Unknown("left_behind")
        if seen.address is not None:
            message = self._desk.worded(self._desk.run_errands(seen, lease))
            found = self._find(notice, replace(message, first_tried=notice.first_tried))
        with self._parts.store.writing() as work:
            held = work.notices.locked([notice.notice_id])
            recording.conclude(work, lease, [Tried(notice, Unknown("left_behind"), found)], held)


def _each(these: Iterable[T], notice_of: Callable[[T], Notice], act: Callable[[T], R]) -> list[R]:
    """What each came to. One notice must not stop the others; its lease runs out."""
    done = []
    for each in these:
        try:
            done.append(act(each))
        except Exception as error:  # noqa: BLE001 - see above
            log.warning("notice_failed", kind=notice_of(each).kind.value, error=type(error).__name__)
    return done
