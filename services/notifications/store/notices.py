"""Notices, and every attempt to deliver one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, delete, func, insert, select, text, update

from services.notifications.model.kinds import CHANGES
from services.notifications.model.records import Notice, NoticesStanding, Try
from services.notifications.store.queue import FREE, OPEN, Times, next_due
from services.notifications.store.slices import slices
from services.notifications.store.tables import answers, deliveries, notices
from shared.contracts.base import Channel, MeetingId, MemberId, NoticeId
from shared.contracts.notifications import NoticeKind, NoticeState
from shared.runtime.clock import Clock, real_now
from shared.storage.engine import upsert
from shared.storage.sealing import Forgotten, Vault

_FIELDS = tuple(
    column for column in notices.c if column.name not in ("leased_until", "settled_at", "code", "code_until")
)
_NAMES = tuple(column.name for column in _FIELDS)
_THESE = select(*_FIELDS).where(notices.c.notice_id.in_(bindparam("these", expanding=True)))
_LOCKED = _THESE.order_by(notices.c.notice_id).with_for_update()
_CLAIMED = _THESE.where(FREE).order_by(notices.c.notice_id).with_for_update(skip_locked=True)
_LEASE = (
    update(notices)
    .where(notices.c.notice_id.in_(bindparam("these", expanding=True)))
    .values(leased_by=bindparam("holder"), leased_until=bindparam("until"))
)
_BEGIN = (
    update(notices)
    .where(notices.c.notice_id == bindparam("which"))
    .values(
        state=NoticeState.SENDING.value,
        attempts=bindparam("attempt"),
        leased_until=bindparam("until"),
        expires_at=bindparam("expires"),
        words=bindparam("said"),
        first_tried=bindparam("tried"),
    )
)
_CLOSE = (
    update(deliveries)
    .where(deliveries.c.notice_id == bindparam("which"), deliveries.c.attempt == bindparam("number"))
    .values(
        ended_at=bindparam("ended"),
        outcome=bindparam("became"),
        reason=bindparam("why"),
        provider_id=bindparam("known_as"),
    )
)
_UNDECIDED = (notices.c.state == text("'waiting'"), notices.c.reason == text("'no_consent'"))  # as the index has it
_DONE = (NoticeState.SENT, NoticeState.REFUSED, NoticeState.EXPIRED)


class Notices:
    """See services.notifications.work.Notices."""

    def __init__(self, connection: Connection, vault: Vault, clock: Clock) -> None:
        self._connection = connection
        self._vault = vault
        self._clock = clock

    def add(self, *these: Notice) -> list[Notice]:
        """Keep notices; those of them that were not known (by their natural key), in the order of their ids."""
        new = {notice.notice_id: notice for notice in sorted(these, key=lambda each: each.notice_id)}
        rows = [
            {
                **{name: getattr(notice, name) for name in _NAMES},
                "kind": notice.kind.value,
                "state": notice.state.value,
                "channel": notice.channel.value if notice.channel else None,
            }
            for notice in new.values()
        ]
        statement = upsert(self._connection, notices).on_conflict_do_nothing().returning(notices.c.notice_id)
        added = {found for some in slices(rows) for found in self._connection.scalars(statement, some)}
        return [notice for notice_id, notice in new.items() if notice_id in added]

    def get(self, notice_id: NoticeId, *, lock: bool = False) -> Notice | None:
        """A notice, locked for this transaction where asked."""
        statement = select(*_FIELDS).where(notices.c.notice_id == notice_id)
        row = self._connection.execute(statement.with_for_update() if lock else statement).one_or_none()
        return _notice(row) if row else None

    def locked(self, these: Collection[NoticeId]) -> dict[NoticeId, Notice]:
        """These notices, locked for this transaction."""
        rows = self._connection.execute(_LOCKED, {"these": list(these)})
        return {row.notice_id: _notice(row) for row in rows}

    def unsent(self, member_id: MemberId) -> list[Notice]:
        """Those of a member that wait or are held, locked for this transaction. The states are as their indexes have them."""
        state, its = notices.c.state, notices.c.member_id == member_id
        waiting = and_(text(f"notices.{OPEN}"), state == NoticeState.WAITING.value, its)
        found: list[Notice] = []
        for these in (waiting, and_(state == text("'held'"), its)):
            locked = select(*_FIELDS).where(these).order_by(notices.c.notice_id).with_for_update()
            found += map(_notice, self._connection.execute(locked))
        return found

    def about(self, meeting_id: MeetingId) -> list[Notice]:
        """Every change and cancellation notice of a meeting."""
        rows = self._connection.execute(
            select(*_FIELDS)
            .where(notices.c.meeting_id == meeting_id, notices.c.kind.in_([kind.value for kind in CHANGES]))
            .order_by(notices.c.created_at, notices.c.notice_id)
        )
        return [_notice(row) for row in rows]

    def wake(self, meeting_id: MeetingId) -> None:
        """News of the meeting came: what waited for it is looked at again now."""
        self._wake(
            notices.c.meeting_id == meeting_id,
            notices.c.state == NoticeState.WAITING.value,
            notices.c.attempts == 0,
            notices.c.not_before > notices.c.due_at,
        )

    def wake_undecided(self, member_id: MemberId, channel: Channel) -> None:
        """This member decided: what waited for a decision on this channel is looked at again now."""
        self._wake(*_UNDECIDED, notices.c.member_id == member_id, notices.c.channel == channel.value)

    def _wake(self, *these: ColumnElement[bool]) -> None:
        asleep = select(notices.c.notice_id).where(*these).order_by(notices.c.notice_id).with_for_update()
        for some in slices(self._connection.scalars(asleep).all()):
            awake = update(notices).where(notices.c.notice_id.in_(some)).values(not_before=notices.c.due_at)
            self._connection.execute(awake)

    def next(self, channel: Channel, most: int, *, until: datetime) -> list[NoticeId]:
        """The next notices of this channel that are due: urgent before bulk, fair between chapters. See ``next_due``."""
        return next_due(self._connection, channel, self._times(until), most)

    def claim(self, lease: str, until: datetime, these: Sequence[NoticeId]) -> list[Notice]:
        """Lease those of these that are still due and that nobody leased meanwhile, in their order."""
        due = {"these": these, **self._times(until)}
        mine = {row.notice_id: _notice(row) for row in self._connection.execute(_CLAIMED, due)}
        if not mine:
            return []
        self._connection.execute(_LEASE, {"these": list(mine), "holder": lease, "until": until})
        return [replace(mine[notice_id], leased_by=lease) for notice_id in these if notice_id in mine]

    def _times(self, until: datetime) -> Times:
        now = real_now()
        return {"now": self._clock.now(), "machine_now": now, "farthest": until + (until - now)}

    def give_back(self, lease: str, these: Sequence[NoticeId]) -> None:
        """Nobody looks after these under this lease any more, if anybody did."""
        ours = and_(notices.c.leased_by == lease, notices.c.state == NoticeState.WAITING.value)
        statement = update(notices).where(notices.c.notice_id.in_(these), ours)
        self._connection.execute(statement.values(leased_by=None, leased_until=None))

    def begin(self, these: Sequence[Notice], *, until: datetime) -> None:
        """Mark leased notices SENDING, as they stand in these records, and open a delivery of each."""
        self._connection.execute(
            _BEGIN,
            [
                {
                    "until": until,
                    "which": notice.notice_id,
                    "attempt": notice.attempts,
                    "expires": notice.expires_at,
                    "said": notice.words,
                    "tried": notice.first_tried,
                }
                for notice in these
            ],
        )
        self._connection.execute(
            insert(deliveries),
            [
                {
                    "notice_id": notice.notice_id,
                    "attempt": notice.attempts,
                    "channel": notice.channel.value if notice.channel else "",
                    "begun_at": self._clock.now(),
                    "outcome": "sending",
                    "reason": "",
                    "provider_id": "",
                    "status": "",
                    "rank": 0,
                }
                for notice in these
            ],
        )

    def take_back(self, notice: Notice) -> None:
        """What was marked SENDING but never tried waits again, as it stands in this record; its delivery never was."""
        self._set(
            notice.notice_id,
            state=NoticeState.WAITING.value,
            attempts=notice.attempts,
            words=notice.words,
            first_tried=notice.first_tried,
            leased_by=None,
            leased_until=None,
        )
        begun = deliveries.c.attempt > notice.attempts
        self._connection.execute(delete(deliveries).where(deliveries.c.notice_id == notice.notice_id, begun))

    def release(self, notice_id: NoticeId, *, not_before: datetime, reason: str) -> None:
        """Give a leased notice back, to be looked at again then."""
        self._set(notice_id, not_before=not_before, reason=reason, leased_by=None, leased_until=None)

    def update(self, notice: Notice, *, reason: str, not_before: datetime, doubtful: bool, unknowns: int) -> None:
        """Set a notice waiting again after an attempt."""
        self._set(
            notice.notice_id,
            state=NoticeState.WAITING.value,
            reason=reason,
            not_before=not_before,
            doubtful=doubtful,
            unknowns=unknowns,
            leased_by=None,
            leased_until=None,
            settled_at=None,
        )

    def settle(self, these: Sequence[Notice], state: NoticeState, reason: str) -> None:
        """Notices reached their end; the leases are given back, and any codes on them erased unless they are held."""
        values: dict[str, Any] = {
            "state": state.value,
            "reason": reason[:30],
            "settled_at": self._clock.now(),
            "leased_by": None,
            "leased_until": None,
        }
        if state in _DONE:
            values |= {"code": None, "code_until": None}
            for notice in these:
                if notice.kind is NoticeKind.FEEDBACK_ASK:
                    self._vault.forget(_owner(notice.notice_id))
        for some in slices([notice.notice_id for notice in these]):
            self._connection.execute(update(notices).where(notices.c.notice_id.in_(some)).values(**values))

    def keep_code(self, notice_id: NoticeId, code: str, answer_by: datetime) -> None:
        """Keep a feedback code, sealed, until the notice's outcome is known."""
        sealed = self._vault.seal(_owner(notice_id), f"notices.code.{notice_id}", code)
        self._set(notice_id, code=sealed, code_until=answer_by)

    def code(self, notice_id: NoticeId) -> tuple[str, datetime] | None:
        """The feedback code of a notice, and until when it is good."""
        row = self._connection.execute(
            select(notices.c.code, notices.c.code_until).where(notices.c.notice_id == notice_id)
        ).one_or_none()
        if row is None or row.code is None:
            return None
        try:
            return self._vault.open(_owner(notice_id), f"notices.code.{notice_id}", row.code), row.code_until
        except Forgotten:
            return None

    def close(self, tries: Sequence[Try]) -> None:
        """Record what became of attempts."""
        self._connection.execute(
            _CLOSE,
            [
                {
                    "ended": self._clock.now(),
                    "which": each.notice_id,
                    "number": each.attempt,
                    "became": each.outcome,
                    "why": each.reason[:30],
                    "known_as": each.provider_id[:64],
                }
                for each in sorted(tries, key=lambda each: each.notice_id)
            ],
        )

    def advance(self, provider_id: str, status: str, rank: int) -> Notice | None:
        """Record a provider's receipt; its notice where the rank rose, else None."""
        row = self._connection.execute(
            update(deliveries)
            .where(deliveries.c.provider_id == provider_id, deliveries.c.rank < rank)
            .values(status=status[:20], rank=rank)
            .returning(deliveries.c.notice_id)
        ).first()
        return self.get(row.notice_id, lock=True) if row else None

    def standing(self) -> NoticesStanding:
        """How it stands with those that have not left, in figures for the operator."""
        now, state = self._clock.now(), notices.c.state
        is_open = text(f"notices.{OPEN}")
        waiting = and_(is_open, state == NoticeState.WAITING.value)
        oldest = select(func.min(notices.c.not_before)).where(waiting, notices.c.not_before <= now)
        again = select(func.count()).where(waiting, notices.c.attempts > 0)
        doubtful = select(func.count()).where(is_open, notices.c.doubtful)
        held = select(func.count()).where(
            state == text(f"'{NoticeState.HELD.value}'")
        )  # a literal: the index is partial
        since = self._connection.scalar(oldest)
        counts = [self._connection.scalar(each) or 0 for each in (again, doubtful, held)]
        return NoticesStanding((now - since).total_seconds() if since else 0.0, *counts)

    def answered(self, provider_id: str) -> str | None:
        """What an inbound text was answered with, if it came before."""
        return self._connection.scalar(select(answers.c.answer).where(answers.c.provider_id == provider_id))

    def remember_answer(self, provider_id: str, answer: str) -> None:
        """Remember what an inbound text was answered with."""
        self._connection.execute(insert(answers).values(provider_id=provider_id, answer=answer, at=self._clock.now()))

    def _set(self, notice_id: NoticeId, **values: Any) -> None:
        if "reason" in values:
            values["reason"] = values["reason"][:30]
        self._connection.execute(update(notices).where(notices.c.notice_id == notice_id).values(**values))


def _owner(notice_id: NoticeId) -> str:
    """Whose key seals a notice's code: the notice's own, under its id's first 36 characters."""
    return notice_id[:36]


def _notice(row: Row[Any]) -> Notice:
    kept = dict(row._mapping)  # noqa: SLF001
    kept["kind"] = NoticeKind(row.kind)
    kept["state"] = NoticeState(row.state)
    kept["channel"] = Channel(row.channel) if row.channel else None
    return Notice(**kept)
