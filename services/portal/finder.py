"""Find a meeting: what was asked for, what is found, and how a meeting is told of to anyone.

A mode has "places free" or "you would wait"; never how many people come. An online room's link is not even known here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from services.portal import words
from shared.contracts.base import Actor, ChapterId, MeetingId, Mode, Role
from shared.contracts.errors import Fault, Refused, Unreachable
from shared.contracts.meetings import Chapters, ChapterView, FindMeetings, ListChapters, MeetingPage, MeetingView
from shared.contracts.registration import Openings
from shared.gateway.asking import Asking
from shared.gateway.wording import day_of, time_of

VISITOR = Actor(role=Role.VISITOR)
AHEAD = timedelta(days=28)
A_PAGE = 60
EVERYTHING_AT_ONCE = 500


class Filters(BaseModel):
    """What someone looks for. What cannot be read is left out: a finder that is asked nonsense shows everything."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    day: int | None = None  # 0 = Monday
    mode: Mode | None = None
    chapter: str = ""  # its slug
    text: str = ""
    after: datetime | None = None  # where the next page begins

    @field_validator("day")
    @classmethod
    def _a_weekday(cls, value: int | None) -> int | None:
        return value if value is not None and 0 <= value <= 6 else None

    @field_validator("text")
    @classmethod
    def _short(cls, value: str) -> str:
        return value[:100]

    @field_validator("after")
    @classmethod
    def _aware(cls, value: datetime | None) -> datetime | None:
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)

    @property
    def narrow(self) -> bool:
        """Whether anything is asked for at all."""
        return self.day is not None or self.mode is not None or bool(self.chapter or self.text)

    def address(self, *, after: datetime | None = None) -> dict[str, str]:
        """As the query of an address."""
        asked = {
            "day": "" if self.day is None else str(self.day),
            "mode": self.mode or "",
            "chapter": self.chapter,
            "text": self.text,
            "after": after.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if after else "",
        }
        return {name: value for name, value in asked.items() if value}


def read_filters(query: Iterable[tuple[str, str]]) -> Filters:
    """The filters in the query of an address; a field that cannot be read is left out."""
    given = {name: value for name, value in query if value.strip()}
    try:
        return Filters.model_validate(given)
    except ValidationError as error:
        wrong = {str(each["loc"][0]) for each in error.errors()}
        return Filters.model_validate({name: value for name, value in given.items() if name not in wrong})


@dataclass(frozen=True)
class Way:
    """One way to attend. ``free`` is None where it is not known at this moment."""

    mode: Mode
    free: bool | None

    @property
    def label(self) -> str:
        """As people say it."""
        return words.MODES[self.mode]

    @property
    def note(self) -> str:
        """What to expect."""
        return {True: "places free", False: "you would wait", None: ""}[self.free]


@dataclass(frozen=True)
class Told:
    """A meeting in words, in its own zone."""

    meeting: MeetingView
    day: str
    time: str
    zone: str
    length: str
    ways: tuple[Way, ...]
    kind: str
    format: str
    policy: str

    @property
    def can_be_joined(self) -> bool:
        """Whether a seat can be asked for."""
        return self.meeting.status == "scheduled" and bool(self.ways)


def tell(meeting: MeetingView, free: dict[Mode, bool], locale: str) -> Told:
    """Put a meeting in words. A mode that is not in ``free`` is shown without its openings."""
    at, zone = meeting.starts_at, meeting.time_zone
    return Told(
        meeting=meeting,
        day=day_of(at, zone),
        time=time_of(at, zone, locale),
        zone=words.zone_name(at, zone, locale),
        length=words.length(at, meeting.ends_at),
        ways=tuple(Way(offer.mode, free.get(offer.mode)) for offer in meeting.offers),
        kind=words.KINDS[meeting.kind],
        format=words.FORMATS[meeting.format],
        policy=words.POLICIES[meeting.policy],
    )


@dataclass(frozen=True)
class Found:
    """One page of the finder."""

    filters: Filters
    chapters: tuple[ChapterView, ...]
    meetings: tuple[Told, ...]
    next_after: datetime | None = None
    days: dict[str, list[Told]] = field(default_factory=dict)


async def openings(asking: Asking, ids: tuple[MeetingId, ...]) -> dict[MeetingId, dict[Mode, bool]]:
    """Where there is a place; nothing where that is not known at this moment (the list is still worth showing)."""
    if not ids:
        return {}
    try:
        view = await asking.ask(Openings(meeting_ids=ids), VISITOR, seconds=2.0)
    except (Refused, Fault, Unreachable):
        return {}
    return {each.meeting_id: {mode.mode: mode.free for mode in each.modes} for each in view.meetings}


async def chapters(asking: Asking) -> Chapters:
    """All chapters."""
    return await asking.ask(ListChapters(), VISITOR)


async def find(asking: Asking, filters: Filters, now: datetime, locale: str) -> Found:
    """One page of what is asked for, from now or from where the page before ended."""
    known = (await chapters(asking)).chapters
    chosen = tuple(each.chapter_id for each in known if each.slug == filters.chapter)
    if filters.chapter and not chosen:
        return Found(filters, known, ())
    meetings, next_after = await _page(asking, filters, chosen, max(now, filters.after or now), now)
    free = await openings(asking, tuple(each.meeting_id for each in meetings))
    told = tuple(tell(each, free.get(each.meeting_id, {}), locale) for each in meetings)
    days: dict[str, list[Told]] = {}
    for each in told:
        days.setdefault(each.day, []).append(each)
    return Found(filters, known, told, next_after, days)


async def _page(
    asking: Asking, filters: Filters, chosen: tuple[ChapterId, ...], after: datetime, now: datetime
) -> tuple[tuple[MeetingView, ...], datetime | None]:
    """Meetings of one page, and where the next begins: never in the middle of those that begin together."""
    asked = FindMeetings(
        after=after,
        before=max(now, after) + AHEAD,
        chapter_ids=chosen,
        weekday=filters.day,
        mode=filters.mode,
        text=filters.text,
        limit=A_PAGE,
    )
    view = await asking.ask(asked, VISITOR)
    if view.more and view.meetings[0].starts_at == view.meetings[-1].starts_at:
        view = await asking.ask(asked.model_copy(update={"limit": EVERYTHING_AT_ONCE}), VISITOR)
    if not view.more:
        return view.meetings, None
    last = view.meetings[-1].starts_at
    whole = tuple(each for each in view.meetings if each.starts_at < last)
    return (whole, last) if whole else (view.meetings, last + timedelta(seconds=1))


async def one(asking: Asking, meeting_id: MeetingId, locale: str) -> Told:
    """One meeting in words. Raises NotFound."""
    meeting = await asking.ask(MeetingPage(meeting_id=meeting_id), VISITOR)
    free = await openings(asking, (meeting_id,))
    return tell(meeting, free.get(meeting_id, {}), locale)
