"""What becomes of a series' coming meetings when a person changes the series from a day on. Pure: nothing is done here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from services.meetings.model.meeting import Gathering, Meeting, cancelled, changed, news_of, times_on
from services.meetings.model.series import Series, all_online, offers_mode
from services.meetings.recurrence.dates import Occurrence
from shared.contracts.base import Mode
from shared.contracts.meetings import DateOutcome, MeetingCancelled, MeetingResized


@dataclass(frozen=True)
class Replan:
    """Each coming meeting as it is and as it will be, and the dates that are to be laid out anew."""

    meetings: tuple[tuple[Gathering, Meeting], ...]
    added: tuple[Occurrence, ...]


def replan(
    coming: Iterable[Gathering], taken: Collection[date], old: Series, new: Series, *, from_date: date, now: datetime
) -> Replan:
    """The meetings from ``from_date`` on, by the new rule. ``taken`` are all dates of the series' meetings.

    A date at which a meeting was cancelled, or has begun, stays as it is.
    """
    concerned = [each for each in coming if (each.meeting.series_date or date.min) >= from_date]
    settled = set(taken) - {each.meeting.series_date for each in concerned}
    wanted = {at.date: at for at in new.dates_from(from_date, now) if at.date not in settled}
    found = dict(_paired(concerned, wanted, monthly=new.timing.rule.freq == "MONTHLY"))
    return Replan(
        meetings=tuple((each, _after(each.meeting, found.get(id(each)), old, new, now)) for each in concerned),
        added=tuple(at for at in wanted.values() if at not in found.values()),
    )


def _paired(
    concerned: list[Gathering], wanted: dict[date, Occurrence], *, monthly: bool
) -> Iterator[tuple[int, Occurrence]]:
    """Which meeting keeps its seats on which date: the same day, else the first free one of its week or month."""
    days = {each.meeting.series_date for each in concerned}
    spare = [at for day, at in wanted.items() if day not in days]
    for each in concerned:
        day = each.meeting.series_date
        if day is None:
            continue
        near = wanted.get(day) or next(
            (at for at in spare if _period(at.date, monthly=monthly) == _period(day, monthly=monthly)), None
        )
        if near is not None:
            spare = [at for at in spare if at is not near]
            yield id(each), near


def _period(day: date, *, monthly: bool) -> tuple[int, int]:
    return (day.year, day.month) if monthly else day.isocalendar()[:2]


def _after(meeting: Meeting, at: Occurrence | None, old: Series, new: Series, now: datetime) -> Meeting:
    if at is None:
        return replace(cancelled(meeting, now), series_date=None)  # its date is free for another
    planned = times_on(meeting.series_date, old)
    own_time = meeting.by_hand and (meeting.starts_at, meeting.ends_at) != planned
    own_place = meeting.online_instead or (
        meeting.by_hand and (meeting.venue_id, meeting.room_id) != (old.venue_id, old.room_id)
    )
    in_person = offers_mode(new.offers, Mode.IN_PERSON)
    online_instead = meeting.online_instead and in_person
    after = replace(
        meeting,
        series_date=at.date,
        starts_at=meeting.starts_at if own_time else at.starts_at,
        ends_at=meeting.ends_at if own_time else at.ends_at,
        venue_id=(meeting.venue_id if own_place and in_person else None) or new.venue_id,
        room_id=(meeting.room_id if own_place else None) or new.room_id,
        offers=all_online(new.offers) if online_instead else new.offers,
        offers_before=new.offers if online_instead else None,
    )
    return changed(after, now) if replace(after, series_date=meeting.series_date) != meeting else after


def outcome_of(before: Meeting, after: Meeting) -> DateOutcome:
    """What a person is told of this date before the change is made."""
    news = news_of(before, after)
    if news is None:
        return DateOutcome.STAYS
    if news is MeetingCancelled:
        return DateOutcome.CANCELLED
    return DateOutcome.RESIZED if news is MeetingResized else DateOutcome.MOVED
