"""Import a slice of a list: each row added, updated, left as it is, or refused alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.meetings.feeds import codes as said
from services.meetings.handlers.access import own_chapter
from services.meetings.handlers.following import follow_series, pause, retire
from services.meetings.handlers.scheduling import lay_out
from services.meetings.handlers.setting_up import keep_room
from services.meetings.imports.cells import RowRefused
from services.meetings.imports.rows import Row, Standing, name_of, read_row, rows_in
from services.meetings.model.imported import Imported
from services.meetings.model.network import Chapter, Group, Room, Venue
from services.meetings.model.series import MOST_PLACES, Series
from services.meetings.recurrence.rules import WEEKDAYS, Timing, read_rule
from services.meetings.recurrence.zones import local
from services.meetings.work import Work
from shared.contracts.base import Actor, GroupId, Mode, SeriesId, VenueId
from shared.contracts.errors import Invalid
from shared.contracts.meetings import (
    Format,
    ImportMeetings,
    ImportReport,
    Kind,
    MembershipPolicy,
    ModeOffer,
    RowOutcome,
    RowReport,
)


def import_meetings(command: ImportMeetings, actor: Actor, work: Work) -> ImportReport:
    """Import the rows of a slice. Raises Invalid, field rows_json, where there are no rows to be read at all."""
    chapter = own_chapter(command.chapter_id, actor, work)
    if command.in_person_capacity + command.online_capacity > MOST_PLACES:
        raise Invalid(f"in person and online together hold {MOST_PLACES} people at most", field="online_capacity")
    try:
        rows = rows_in(command.rows_json)
    except ValueError as error:
        raise Invalid(str(error), field="rows_json") from error
    work.chapters.hold(chapter.chapter_id)
    seen = dict(command.taken)
    reports = [
        _import_row(number, raw, seen, _Slice(command, chapter, work))
        for number, raw in enumerate(rows, command.first_row)
    ]
    return ImportReport(rows=tuple(reports))


class _Slice:
    """What all rows of a slice are imported with."""

    def __init__(self, command: ImportMeetings, chapter: Chapter, work: Work) -> None:
        self.chapter = chapter
        self.work = work
        self.places = {Mode.IN_PERSON: command.in_person_capacity, Mode.ONLINE: command.online_capacity}

    def offers(self, row: Row) -> tuple[ModeOffer, ...]:
        """The ways to attend that a row tells of, each with the slice's number of places."""
        modes = []
        if row.venue is not None:
            modes.append(Mode.IN_PERSON)
        if row.secrets is not None and row.secrets.link is not None:
            modes.append(Mode.ONLINE)
        if row.secrets is not None and row.secrets.dial_in is not None:
            modes.append(Mode.PHONE)
        return tuple(ModeOffer(mode=m, capacity=self.places.get(m, self.places[Mode.ONLINE])) for m in modes)

    def digest(self, row: Row) -> str:
        """A keyed hash of the row and of what it is imported with."""
        places = ",".join(str(places) for places in self.places.values())
        return self.work.imported.digest(f"{places}\n{row.content()}")


def _import_row(number: int, raw: Any, seen: dict[str, int], slice_: _Slice) -> RowReport:
    name = name_of(raw)
    try:
        row = read_row(raw, slice_.chapter.time_zone, slice_.chapter.languages)
        if row.slug in seen:
            raise RowRefused("slug", f"row {seen[row.slug]} has the same slug; each row needs its own")  # noqa: TRY301
    except RowRefused as refused:
        return RowReport(row=number, name=name, outcome=RowOutcome.REFUSED, field=refused.field, why=refused.why)
    seen[row.slug] = number
    return RowReport(row=number, name=name, outcome=_take(row, slice_), notes=row.notes)


def _take(row: Row, slice_: _Slice) -> RowOutcome:
    known = slice_.work.imported.get(slice_.chapter.chapter_id, row.slug)
    digest = slice_.digest(row)
    if known is not None and known.digest == digest:
        return RowOutcome.UNCHANGED
    made = _Made(_group(row, known, slice_), _venue(row, slice_), _room(row, slice_))
    series = {day: _keep_series(made.series(row, day, slice_), known, slice_.work) for day in row.days}
    for day, series_id in known.series.items() if known else ():
        if day not in series:
            retire(series_id, slice_.work)
    slice_.work.imported.put(Imported(slice_.chapter.chapter_id, row.slug, digest, made.group.group_id, series))
    return RowOutcome.ADDED if known is None else RowOutcome.UPDATED


def _group(row: Row, known: Imported | None, slice_: _Slice) -> Group:
    work = slice_.work
    old = work.groups.get(known.group_id) if known else None
    group = Group(
        group_id=old.group_id if old else GroupId(work.new_id()),
        chapter_id=slice_.chapter.chapter_id,
        name=row.name,
        purpose=said.purpose_of(row.codes),
        kind=Kind.PEER,
        format=Format.OPEN_DISCUSSION,
        audience=said.audience_of(row.codes),
        languages=row.languages,
        access=said.access_of(row.codes),
        policy=MembershipPolicy.BY_AGREEMENT if "C" in row.codes else MembershipPolicy.OPEN,
        changed_at=work.now,
    )
    if old is None:
        work.groups.add(group)
    else:
        work.groups.change(group)
    if old is None or group.founded() != old.founded():
        work.publish(group.founded())
    return group


def _venue(row: Row, slice_: _Slice) -> Venue | None:
    if row.venue is None:
        return None
    venue = Venue(VenueId(slice_.work.new_id()), slice_.chapter.chapter_id, **vars(row.venue))
    same = slice_.work.venues.same(venue)
    if same is None:
        slice_.work.venues.add(venue)
    return same or venue


def _room(row: Row, slice_: _Slice) -> Room | None:
    if row.secrets is None:
        return None
    same = slice_.work.rooms.same(slice_.chapter.chapter_id, row.secrets)
    return same or keep_room(slice_.chapter.chapter_id, f"{row.name[:190]}, online", row.secrets, slice_.work)


@dataclass(frozen=True)
class _Made:
    """What a row's series are made of."""

    group: Group
    venue: Venue | None
    room: Room | None

    def series(self, row: Row, day: int, slice_: _Slice) -> Series:
        """The row's series on one weekday (0 = Monday), from today on."""
        rrule, now = f"FREQ=WEEKLY;BYDAY={WEEKDAYS[day]}", slice_.work.now
        return Series(
            series_id=SeriesId(slice_.work.new_id()),
            group_id=self.group.group_id,
            chapter_id=slice_.chapter.chapter_id,
            rrule=rrule,
            timing=Timing(
                rule=read_rule(rrule, row.zone),
                starts_on=local(now, row.zone).date(),
                starts=row.starts,
                minutes=row.minutes,
                skip=frozenset(),
                zone=row.zone,
            ),
            offers=slice_.offers(row),
            venue_id=self.venue.venue_id if self.venue else None,
            room_id=self.room.room_id if self.room else None,
            laid_out_to=now,
            changed_at=now,
            shut=row.standing == Standing.SHUT,
            paused=row.standing == Standing.PAUSED,
            codes=row.codes,
            area=row.area,
        )


def _keep_series(series: Series, known: Imported | None, work: Work) -> SeriesId:
    """Keep it in place of the weekday's former one, whose meetings follow; a paused one that goes on begins afresh."""
    day = series.timing.rule.days[0].weekday
    old_id = known.series.get(day) if known else None
    old = work.series.get(old_id) if old_id else None
    if old is not None and series.paused:
        return pause(old, series, work)
    if old is not None and not old.paused:
        return follow_series(old, series, work)
    if old is not None:
        retire(old.series_id, work)
    work.series.add(series)
    if not series.paused:
        lay_out(series, work)
    return series.series_id
