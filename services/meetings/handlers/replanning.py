"""Change a series from a day on, or stop it; and show first what that does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from services.meetings.handlers.access import own_series
from services.meetings.handlers.changing import keep_changed
from services.meetings.handlers.scheduling import clean_rrule, lay_out, lay_out_on, room_of, venue_of
from services.meetings.model.replanning import Replan, outcome_of, replan
from services.meetings.model.series import AHEAD, LONGEST_AHEAD, Series, check_offers, offers_mode, timing_of
from services.meetings.recurrence.dates import has_date_from, notes_on, spoken
from services.meetings.recurrence.rules import Timing, read_rule, until
from services.meetings.recurrence.words import days_in_words
from services.meetings.recurrence.zones import local
from services.meetings.work import Work
from shared.contracts.base import Actor, Done, Mode
from shared.contracts.errors import Invalid, Stale
from shared.contracts.meetings import (
    ChangeSeries,
    DateOutcome,
    DatePreview,
    PreviewSeriesChange,
    SeriesChange,
    SeriesChangePreview,
    SeriesIsOver,
    SeriesPage,
    SeriesPlan,
    SeriesRule,
    StopSeries,
)


def change_series(command: ChangeSeries, actor: Actor, work: Work) -> Done:
    """Change a series from a day on, and what is laid out of it. Raises Invalid with the field that is wrong."""
    old = _to_change(command, actor, work)
    _make(lay_out(old, work), _changed(old, command.change, command.from_date, work), command.from_date, work)
    return Done()


def stop_series(command: StopSeries, actor: Actor, work: Work) -> Done:
    """Stop a series from a day on, and cancel what is laid out of it from then on."""
    old = _to_change(command, actor, work)
    _make(old, _stopped(old, command.from_date, work), command.from_date, work)
    return Done()


def preview_series_change(query: PreviewSeriesChange, actor: Actor, work: Work) -> SeriesChangePreview:
    """What a change would do to each date. Raises as the command would."""
    old = own_series(query.series_id, actor, work)
    _check_open(old, work)
    if query.change is None:
        new = _stopped(old, query.from_date, work)
    else:
        new = _changed(old, query.change, query.from_date, work)
    plan = _planned(old, new, query.from_date, work)
    dates = [
        DatePreview(
            outcome=outcome_of(each.meeting, after),
            meeting_id=after.meeting_id,
            before=each.meeting.starts_at,
            after=None if after.series_date is None else after.starts_at,
            ends=None if after.series_date is None else after.ends_at,
            by_hand=after.by_hand,
        )
        for each, after in plan.meetings
    ]
    dates += [
        DatePreview(outcome=DateOutcome.ADDED, meeting_id=None, before=None, after=at.starts_at, ends=at.ends_at)
        for at in plan.added
    ]
    return SeriesChangePreview(
        dates=tuple(sorted(dates, key=lambda each: each.after or each.before or work.now)),
        time_zone=new.timing.zone,
        notes=notes_on(new.timing, new.dates_from(query.from_date, work.now), _language(old, work)),
    )


def series_page(query: SeriesPage, actor: Actor, work: Work) -> SeriesPlan:
    """One series and its coming meetings."""
    series = own_series(query.series_id, actor, work)
    chapter, group = work.chapters.get(series.chapter_id), work.groups.get(series.group_id)
    if chapter is None or group is None:
        raise LookupError("a series without its chapter or group")
    coming = work.meetings.of_series_from(series.series_id, work.now)
    return SeriesPlan(
        series_id=series.series_id,
        group_id=group.group_id,
        group_name=group.name,
        chapter_id=chapter.chapter_id,
        chapter_name=chapter.name,
        time_zone=series.timing.zone,
        days=days_in_words(series.timing),
        starts=series.timing.starts,
        minutes=series.timing.minutes,
        offers=series.offers,
        venue_id=series.venue_id,
        room_id=series.room_id,
        over=_is_over(series, work),
        as_of=series.changed_at,
        meetings=tuple(each.view() for each in coming),
    )


def _language(series: Series, work: Work) -> str:
    chapter = work.chapters.get(series.chapter_id)
    return chapter.languages[0] if chapter else "en"


def _to_change(command: ChangeSeries | StopSeries, actor: Actor, work: Work) -> Series:
    series = own_series(command.series_id, actor, work)
    _check_open(series, work)
    if series.changed_at != command.as_of:
        raise Stale("this series was changed meanwhile; look at it again", field="as_of")
    return series


def _check_open(series: Series, work: Work) -> None:
    if series.paused:
        raise SeriesIsOver("the list that this series comes from says that it does not meet for now; change the list")
    if _is_over(series, work):
        raise SeriesIsOver("this series has no date left; schedule a new one")


def _is_over(series: Series, work: Work) -> bool:
    return series.paused or not (series.open or work.meetings.coming_of(series.series_id, work.now))


def _check_day(series: Series, day: date, last: date, work: Work) -> None:
    today = local(work.now, series.timing.zone).date()
    if day <= today:
        raise Invalid("choose a day from tomorrow on; change today's meeting on its own page", field="from_date")
    if day > last:
        raise Invalid(f"choose a day until {spoken(last)}", field="from_date")


def _changed(old: Series, change: SeriesChange, from_date: date, work: Work) -> Series:
    _check_day(old, from_date, local(work.now + AHEAD, old.timing.zone).date(), work)
    venue = venue_of(old.chapter_id, change.venue_id, work)
    room = room_of(old.chapter_id, change.room_id, work)
    check_offers(change.offers, venue=venue is not None, room=room)
    rrule = clean_rrule(change.rrule or old.rrule)
    return replace(
        old,
        rrule=rrule,
        timing=_timing(old, rrule, change, from_date, work),
        offers=change.offers,
        venue_id=venue.venue_id if venue and offers_mode(change.offers, Mode.IN_PERSON) else None,
        room_id=room.room_id if room else None,
    )


def _timing(old: Series, rrule: str, change: SeriesChange, from_date: date, work: Work) -> Timing:
    """The same days go on as they were counted; other days are counted from the day of the change."""
    rule = SeriesRule(
        rrule=rrule, starts_on=from_date, starts=change.starts, minutes=change.minutes, skip=tuple(old.timing.skip)
    )
    timing = timing_of(rule, old.timing.zone, work.now)
    return replace(timing, starts_on=old.timing.starts_on) if rrule == old.rrule else timing


def _stopped(old: Series, from_date: date, work: Work) -> Series:
    _check_day(old, from_date, (work.now + LONGEST_AHEAD).date(), work)
    if not has_date_from(old.timing, from_date):
        raise Invalid("the series has no meeting from this day on; it ends before by itself", field="from_date")
    rrule = until(old.rrule, from_date - timedelta(days=1))
    return replace(old, rrule=rrule, timing=replace(old.timing, rule=read_rule(rrule, old.timing.zone)))


def _planned(old: Series, new: Series, from_date: date, work: Work) -> Replan:
    coming = work.meetings.coming_of(old.series_id, work.now)
    taken = work.meetings.dates_of(old.series_id, from_date)
    return replan(coming, taken, old, new, from_date=from_date, now=work.now)


def _make(old: Series, new: Series, from_date: date, work: Work) -> None:
    plan = _planned(old, new, from_date, work)
    for gathering, after in plan.meetings:
        keep_changed(gathering, after, work)
    covered = max(old.laid_out_to, work.now + AHEAD)
    kept = replace(new, changed_at=work.now, laid_out_to=covered, open=new.goes_on(work.now))
    work.series.change(kept)
    lay_out_on(kept, plan.added, work)
