"""What becomes of a series' coming meetings when its list says something else."""

from __future__ import annotations

from dataclasses import replace

from services.meetings.handlers.changing import keep, keep_changed
from services.meetings.model.meeting import cancelled, follow
from services.meetings.model.series import Series
from services.meetings.work import Work
from shared.contracts.base import SeriesId
from shared.contracts.meetings import MeetingCancelled


def follow_series(old: Series, new: Series, work: Work) -> SeriesId:
    """The series takes the new rule's place and time, and its coming meetings with it, but for what a person changed."""
    changed = replace(
        new,
        series_id=old.series_id,
        timing=replace(new.timing, starts_on=old.timing.starts_on),
        laid_out_to=old.laid_out_to,
        open=old.open,
    )
    work.series.change(changed)
    for gathering in work.meetings.coming_of(old.series_id, work.now):
        keep_changed(gathering, follow(gathering.meeting, old, changed, work.now), work)
    return old.series_id


def pause(old: Series, new: Series, work: Work) -> SeriesId:
    """The group does not meet for now: coming meetings are cancelled, and none are laid out."""
    paused = replace(new, series_id=old.series_id, laid_out_to=old.laid_out_to)
    work.series.change(paused)
    _cancel_coming(old.series_id, work)
    return old.series_id


def retire(series_id: SeriesId, work: Work) -> None:
    """The series has come to its end: coming meetings are cancelled, and none are laid out any more."""
    series = work.series.get(series_id)
    if series is not None:
        work.series.change(replace(series, open=False, paused=False, changed_at=work.now))
        _cancel_coming(series_id, work)


def _cancel_coming(series_id: SeriesId, work: Work) -> None:
    for gathering in work.meetings.coming_of(series_id, work.now):
        keep(gathering, cancelled(gathering.meeting, work.now), MeetingCancelled, work)
