"""One lane of the sending loop: it leases a few notices and brings each to its end, or back to waiting."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
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
from services.notifications.model.gate import Go, Wait
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

AHEAD, AHEAD_SECONDS = 200, 0.5
"""So many notices are looked up at once, since to put all that are due in order takes long; and so long that order holds.
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
        self._desk = Desk(parts, settings, terms, wording)
        self._make_sender = make_sender
        self._senders: dict[Channel, Sender] = {}
        self._together = settings.lane_batch  # fewer while a server is slow

    def run(self) -> int:
        """Look up what is due, then lease and handle a batch of it after the other; the number of notices handled."""
        with self._parts.store.reading() as work:
            ahead = work.notices.next(AHEAD)
        handled, until = 0, time.monotonic() + AHEAD_SECONDS
        while ahead and (not handled or time.monotonic() < until):
            these, ahead = ahead[: self._together], ahead[self._together :]
            handled += self._batch(these)
        return handled

    def _batch(self, these: Sequence[NoticeId]) -> int:
        """Every transaction here is short, and none is open while something is asked or sent."""
        lease = str(uuid.uuid4())
        with self._parts.store.writing() as work:
            claimed = work.notices.claim(lease, self._lease_end(), these)
        self._desk.clear()
        left = [notice for notice in claimed if notice.state is NoticeState.SENDING]
        _each(left, lambda notice: notice, lambda notice: self._take_over(notice, lease))
        companies: dict[str, list[Gathered]] = {}
        for seen in self._look([notice for notice in claimed if notice.state is not NoticeState.SENDING]):
            companies.setdefault(self._desk.company(seen), []).append(seen)
        _each(companies.values(), lambda some: some[0].at.notice, lambda some: self._handle(some, lease))
        return len(claimed)

    def _look(self, waiting: Sequence[Notice]) -> list[Gathered]:
        if not waiting:
            return []
        with self._parts.store.reading() as work:
            work.foresee(waiting)
            return _each(waiting, lambda notice: notice, lambda notice: self._desk.look(work, notice))

    def _lease_end(self) -> datetime:
        return real_now() + timedelta(seconds=self._settings.lease_seconds)

    def _handle(self, some: Sequence[Gathered], lease: str) -> None:
        """From the gate to the record."""
        ready = _each(some, lambda seen: seen.at.notice, lambda seen: self._ready(seen, lease))
        with self._parts.store.writing() as work:
            marked = self._mark(work, ready, lease)
        tried: list[Tried] = []
        until = time.monotonic() + MARKED_SECONDS
        while len(tried) < len(marked) and (not tried or time.monotonic() < until):
            tried.append(self._try(marked[len(tried)]))
        if tried:
            slow = len(tried) < len(marked)
            self._together = len(tried) if slow else min(2 * self._together, self._settings.lane_batch)
            with self._parts.store.writing() as work:
                recording.conclude(work, lease, tried)
                recording.take_back(work, lease, [each.before for each in marked[len(tried) :]])

    def _ready(self, seen: Gathered, lease: str) -> Ready:
        if isinstance(seen.verdict, Go):
            seen = self._desk.run_errands(seen, lease)
        return Ready(seen, self._desk.worded(seen) if isinstance(seen.verdict, Go) else None)

    def _mark(self, work: Work, ready: Sequence[Ready], lease: str) -> list[Marked]:
        """Mark them SENDING, committed before the first byte; but those that may not leave, or no longer as worded."""
        now = work.notices.locked([each.notice.notice_id for each in ready])
        ours = {n.notice_id: n for n in now.values() if n.leased_by == lease and n.state is NoticeState.WAITING}
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
        now = self._desk.look(work, held)
        if not isinstance(now.verdict, Go):
            recording.put_aside(work, held, now.verdict)
            return None
        if now.mark != seen.mark:
            recording.put_aside(work, held, Wait(work.now, "changed"))
            return None
        first_tried = held.first_tried or real_now()
        begun = replace(
            held,
            attempts=held.attempts + 1,
            expires_at=expires(now.at),
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
            seen = self._desk.look(work, notice, anyway=True)
        found: Result = Unknown("left_behind")
        if seen.address is not None:
            message = self._desk.worded(self._desk.run_errands(seen, lease))
            found = self._find(notice, replace(message, first_tried=notice.first_tried))
        with self._parts.store.writing() as work:
            recording.conclude(work, lease, [Tried(notice, Unknown("left_behind"), found)])


def _each(these: Iterable[T], notice_of: Callable[[T], Notice], act: Callable[[T], R]) -> list[R]:
    """What each came to. One notice must not stop the others; its lease runs out."""
    done = []
    for each in these:
        try:
            done.append(act(each))
        except Exception as error:  # noqa: BLE001 - see above
            log.warning("notice_failed", kind=notice_of(each).kind.value, error=type(error).__name__)
    return done
