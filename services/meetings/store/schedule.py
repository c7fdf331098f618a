"""Series and meetings in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, insert, or_, select, update

from services.meetings.model.meeting import Gathering, Meeting
from services.meetings.model.network import Group, Venue
from services.meetings.model.series import Offers, Series
from services.meetings.recurrence.rules import Timing, read_rule
from services.meetings.store import tables
from services.meetings.store.network import group_from, venue_from
from shared.contracts.base import ChapterId, GroupId, MeetingId, Mode, SeriesId
from shared.contracts.meetings import FindMeetings, MeetingStatus, ModeOffer

_m = tables.meetings.c


def _offers_in(raw: list[dict[str, Any]]) -> Offers:
    return tuple(ModeOffer.model_construct(mode=Mode(one["mode"]), capacity=one["capacity"]) for one in raw)


def _offers_out(offers: Offers) -> list[dict[str, Any]]:
    return [{"mode": offer.mode.value, "capacity": offer.capacity} for offer in offers]


class AllSeries:
    """The rules that make meetings."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, series_id: SeriesId) -> Series | None:
        """One series, locked until the transaction ends."""
        statement = select(tables.series).where(tables.series.c.series_id == series_id).with_for_update()
        row = self._connection.execute(statement).mappings().one_or_none()
        return _series(row) if row else None

    def add(self, series: Series) -> None:
        """Keep a new one."""
        self._connection.execute(insert(tables.series).values(**_series_values(series)))

    def change(self, series: Series) -> None:
        """Keep it as it is now."""
        statement = update(tables.series).where(tables.series.c.series_id == series.series_id)
        self._connection.execute(statement.values(**_series_values(series)))

    def to_lay_out(self, covered: datetime, limit: int) -> Sequence[Series]:
        """Open ones that are laid out less far than ``covered``, the least far first, locked."""
        columns = tables.series.c
        statement = select(tables.series).where(columns.open, ~columns.paused, columns.laid_out_to < covered)
        statement = statement.order_by(columns.laid_out_to, columns.series_id).limit(limit)
        return self._all(statement.with_for_update(skip_locked=True))

    def listed(self, chapter_id: ChapterId | None) -> Sequence[Series]:
        """Those that still meet, or are paused."""
        columns = tables.series.c
        coming = select(_m.series_id).where(_m.status == "scheduled")
        statement = select(tables.series).where(or_(columns.open, columns.series_id.in_(coming)))
        if chapter_id is not None:
            statement = statement.where(columns.chapter_id == chapter_id)
        return self._all(statement.order_by(columns.series_id))

    def _all(self, statement: Select[Any]) -> list[Series]:
        return [_series(row) for row in self._connection.execute(statement).mappings()]


def _series(row: RowMapping) -> Series:
    return Series(
        series_id=row["series_id"],
        group_id=row["group_id"],
        chapter_id=row["chapter_id"],
        rrule=row["rrule"],
        timing=Timing(
            rule=read_rule(row["rrule"], row["time_zone"]),
            starts_on=row["starts_on"],
            starts=row["starts"],
            minutes=row["minutes"],
            skip=frozenset(date.fromisoformat(day) for day in row["skip"]),
            zone=row["time_zone"],
        ),
        offers=_offers_in(row["offers"]),
        venue_id=row["venue_id"],
        room_id=row["room_id"],
        laid_out_to=row["laid_out_to"],
        changed_at=row["changed_at"],
        open=row["open"],
        shut=row["shut"],
        paused=row["paused"],
        codes=tuple(row["codes"]),
        area=row["area"],
    )


def _series_values(series: Series) -> dict[str, Any]:
    timing = series.timing
    values = {name: value for name, value in vars(series).items() if name != "timing"}
    return values | {
        "starts_on": timing.starts_on,
        "starts": timing.starts,
        "minutes": timing.minutes,
        "skip": [day.isoformat() for day in sorted(timing.skip)],
        "time_zone": timing.zone,
        "offers": _offers_out(series.offers),
        "codes": list(series.codes),
    }


class Meetings:
    """The meetings, with what one needs to speak of them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, meeting_id: MeetingId) -> Gathering | None:
        """One meeting."""
        return next(iter(self._all(_gatherings().where(_m.meeting_id == meeting_id))), None)

    def to_change(self, meeting_id: MeetingId) -> Gathering | None:
        """One meeting, locked until the transaction ends."""
        statement = _gatherings().where(_m.meeting_id == meeting_id)
        return next(iter(self._all(statement.with_for_update(of=tables.meetings))), None)

    def add(self, meetings: Sequence[Meeting]) -> None:
        """Keep new ones."""
        if meetings:
            self._connection.execute(insert(tables.meetings), [_meeting_values(meeting) for meeting in meetings])

    def change(self, meeting: Meeting) -> None:
        """Keep it as it is now."""
        statement = update(tables.meetings).where(_m.meeting_id == meeting.meeting_id)
        self._connection.execute(statement.values(**_meeting_values(meeting)))

    def of_series(self, series_id: SeriesId) -> Sequence[MeetingId]:
        """The meetings that a series has laid out, by start."""
        statement = select(_m.meeting_id).where(_m.series_id == series_id).order_by(_m.starts_at, _m.meeting_id)
        return [MeetingId(meeting_id) for meeting_id in self._connection.scalars(statement)]

    def coming_of(self, series_id: SeriesId, now: datetime) -> Sequence[Gathering]:
        """A series' scheduled meetings that have not begun, by start, locked."""
        statement = _gatherings().where(_m.series_id == series_id, _m.status == "scheduled", _m.starts_at > now)
        return self._all(statement.order_by(_m.starts_at, _m.meeting_id).with_for_update(of=tables.meetings))

    def dates_of(self, series_id: SeriesId, since: date) -> set[date]:
        """The dates from this local day on that are taken by a meeting of the series, whatever became of it."""
        statement = select(_m.series_date).where(_m.series_id == series_id, _m.series_date >= since)
        return set(self._connection.scalars(statement))

    def of_series_from(self, series_id: SeriesId, now: datetime) -> Sequence[Gathering]:
        """A series' meetings that are not over, also cancelled ones, by start."""
        statement = _gatherings().where(_m.series_id == series_id, _m.ends_at > now)
        return self._all(statement.order_by(_m.starts_at, _m.meeting_id))

    def past_their_end(self, now: datetime, limit: int) -> Sequence[Gathering]:
        """Scheduled meetings whose end has passed, the longest first, locked."""
        statement = _gatherings().where(_m.status == "scheduled", _m.ends_at <= now)
        statement = statement.order_by(_m.ends_at, _m.meeting_id).limit(limit)
        return self._all(statement.with_for_update(of=tables.meetings, skip_locked=True))

    def find(self, query: FindMeetings) -> Sequence[Gathering]:
        """The meetings that a query asks for, by start; one more than its limit where there are more."""
        statement = _gatherings().where(_m.starts_at >= query.after, _m.starts_at < query.before)
        if query.chapter_ids:
            statement = statement.where(_m.chapter_id.in_(query.chapter_ids))
        if query.meeting_ids:
            statement = statement.where(_m.meeting_id.in_(query.meeting_ids))
        if query.weekday is not None:
            statement = statement.where(_m.weekday == query.weekday)
        if query.mode is not None:
            statement = statement.where(_m[query.mode.value])
        if query.text.strip():
            wanted = query.text.replace("\0", " ").casefold().split()
            statement = statement.where(
                *(tables.groups.c.searchable.contains(word, autoescape=True) for word in wanted[:10])
            )
        if not query.include_over:
            statement = statement.where(_m.status == "scheduled")
        return self._all(statement.order_by(_m.starts_at, _m.meeting_id).limit(query.limit + 1))

    def headlines(self, now: datetime, chapter_id: ChapterId | None) -> Sequence[Gathering]:
        """Of each series the next meeting, and those of its coming ones that were changed or cancelled, by start."""
        other = tables.meetings.alias("other")
        first = (
            select(func.min(other.c.starts_at))
            .where(other.c.series_id == _m.series_id, other.c.status == "scheduled", other.c.ends_at > now)
            .scalar_subquery()
        )
        statement = _gatherings().where(_m.ends_at > now, or_(_m.revision > 1, _m.starts_at == first))
        if chapter_id is not None:
            statement = statement.where(_m.chapter_id == chapter_id)
        return self._all(statement.order_by(_m.starts_at, _m.meeting_id))

    def coming(
        self,
        now: datetime,
        chapter_id: ChapterId | None,
        group_id: GroupId | None = None,
        *,
        limit: int | None = None,
    ) -> Sequence[Gathering]:
        """Meetings that are not over, also cancelled ones, by start; the first ``limit``."""
        statement = _gatherings().where(_m.ends_at > now)
        if chapter_id is not None:
            statement = statement.where(_m.chapter_id == chapter_id)
        if group_id is not None:
            statement = statement.where(_m.group_id == group_id)
        return self._all(statement.order_by(_m.starts_at, _m.meeting_id).limit(limit))

    def _all(self, statement: Select[Any]) -> list[Gathering]:
        return [_gathering(row) for row in self._connection.execute(statement).mappings()]


_GROUP, _VENUE = "group__", "venue__"


def _gatherings() -> Select[Any]:
    return select(
        *tables.meetings.c,
        tables.chapters.c.name.label("chapter_name"),
        tables.rooms.c.link.is_not(None).label("has_link"),
        *(tables.groups.c[name].label(_GROUP + name) for name in Group.__dataclass_fields__),
        *(tables.venues.c[name].label(_VENUE + name) for name in Venue.__dataclass_fields__),
    ).select_from(
        tables.meetings.join(tables.groups, tables.groups.c.group_id == _m.group_id)
        .join(tables.chapters, tables.chapters.c.chapter_id == _m.chapter_id)
        .outerjoin(tables.venues, tables.venues.c.venue_id == _m.venue_id)
        .outerjoin(tables.rooms, tables.rooms.c.room_id == _m.room_id)
    )


def _gathering(row: RowMapping) -> Gathering:
    values = {name: row[name] for name in Meeting.__dataclass_fields__}
    before = values["offers_before"]
    meeting = Meeting(
        **values
        | {
            "status": MeetingStatus(values["status"]),
            "offers": _offers_in(values["offers"]),
            "offers_before": _offers_in(before) if before is not None else None,
        }
    )
    return Gathering(
        meeting=meeting,
        chapter_name=row["chapter_name"],
        group=group_from(row, _GROUP),
        venue=venue_from(row, _VENUE),
        has_link=row["has_link"],
    )


def _meeting_values(meeting: Meeting) -> dict[str, Any]:
    before = meeting.offers_before
    return vars(meeting) | {
        "status": meeting.status.value,
        "weekday": meeting.starts_local.weekday(),
        "offers": _offers_out(meeting.offers),
        "offers_before": _offers_out(before) if before is not None else None,
        **{mode.value: meeting.offers_mode(mode) for mode in Mode},
    }
