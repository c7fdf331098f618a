"""The rule that makes a group's meetings, and what it offers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.meetings.model.network import Room
from services.meetings.recurrence.dates import Occurrence, between, check, has_more
from services.meetings.recurrence.rules import RuleRefused, Timing, read_rule
from services.meetings.recurrence.words import days_in_words
from shared.contracts.base import ChapterId, GroupId, Mode, RoomId, SeriesId, VenueId
from shared.contracts.errors import Invalid
from shared.contracts.meetings import ModeOffer, SeriesLine, SeriesRule

AHEAD = timedelta(weeks=8)
"""Meetings are laid out this far ahead."""
LONGEST_PAST = timedelta(days=3660)
LONGEST_AHEAD = timedelta(days=1100)
MOST_PLACES = 5000
"""Places in one mode at most, also when everybody has moved online (shared.contracts.meetings.ModeOffer)."""

Offers = tuple[ModeOffer, ...]


@dataclass(frozen=True)
class Series:
    """A group's rule and what each of its meetings starts with.

    ``laid_out_to`` is the instant up to which meetings exist; ``open`` turns false when no date is left.
    ``shut`` means that the venue is shut for the time being: meetings are laid out online. ``paused`` means that
    the group does not meet for the time being: none are laid out. ``codes`` are Meeting Guide type codes as
    imported; ``area`` is where an online group is at home, as imported.
    """

    series_id: SeriesId
    group_id: GroupId
    chapter_id: ChapterId
    rrule: str
    timing: Timing
    offers: Offers
    venue_id: VenueId | None
    room_id: RoomId | None
    laid_out_to: datetime
    changed_at: datetime
    open: bool = True
    shut: bool = False
    paused: bool = False
    codes: tuple[str, ...] = ()
    area: str = ""

    def due(self, now: datetime) -> list[Occurrence]:
        """The dates to lay out now: not begun, not laid out before, no further ahead than eight weeks."""
        return between(self.timing, max(now, self.laid_out_to), now + AHEAD)

    def dates_from(self, day: date, now: datetime) -> list[Occurrence]:
        """Its coming dates from this local day on, no further ahead than eight weeks."""
        return [at for at in between(self.timing, now, now + AHEAD) if at.date >= day]

    def goes_on(self, now: datetime) -> bool:
        """Whether there are dates beyond what is laid out when ``due`` has been."""
        return has_more(self.timing, now + AHEAD)

    def line(self) -> SeriesLine:
        """As lists show it."""
        return SeriesLine(
            series_id=self.series_id,
            group_id=self.group_id,
            days=days_in_words(self.timing),
            starts=self.timing.starts,
        )


def timing_of(rule: SeriesRule, zone_name: str, now: datetime) -> Timing:
    """The timing that a person asks for. Raises Invalid, with the part of the rule that is wrong as its field."""
    if not (now - LONGEST_PAST).date() <= rule.starts_on <= (now + LONGEST_AHEAD).date():
        raise Invalid("choose a first date within the next three years", field="starts_on")
    try:
        timing = Timing(
            rule=read_rule(rule.rrule, zone_name),
            starts_on=rule.starts_on,
            starts=rule.starts.replace(second=0, microsecond=0),
            minutes=rule.minutes,
            skip=frozenset(rule.skip),
            zone=zone_name,
        )
        check(timing)
    except RuleRefused as refused:
        raise Invalid(str(refused), field=refused.field) from refused
    return timing


def check_offers(offers: Offers, *, venue: bool, room: Room | None) -> None:
    """A room that people meet in needs a venue, a screen needs a link, a telephone a number. Raises Invalid."""
    modes = [offer.mode for offer in offers]
    if len(set(modes)) != len(modes):
        raise Invalid("each way to attend stands once", field="offers")
    if Mode.IN_PERSON in modes and not venue:
        raise Invalid("a meeting in person needs a venue", field="venue_id")
    if modes != [Mode.IN_PERSON] and room is None:
        raise Invalid("a meeting online or by phone needs an online room", field="room_id")
    if room is not None and Mode.ONLINE in modes and not room.has_link:
        raise Invalid("this room has no link; choose another, or offer the phone only", field="room_id")
    if room is not None and Mode.PHONE in modes and not room.has_dial_in:
        raise Invalid("this room has no dial-in number; choose another, or do not offer the phone", field="room_id")
    if sum(offer.capacity for offer in offers if offer.mode != Mode.PHONE) > MOST_PLACES:
        raise Invalid(
            f"in person and online together hold {MOST_PLACES} people at most, since all may have to move online",
            field="offers",
        )


def all_online(offers: Offers) -> Offers:
    """The offers when the venue is shut: in_person goes, online holds both, the phone stays as it is."""
    places = sum(offer.capacity for offer in offers if offer.mode != Mode.PHONE)
    rest = tuple(offer for offer in offers if offer.mode == Mode.PHONE)
    return (ModeOffer(mode=Mode.ONLINE, capacity=places), *rest)


def offers_mode(offers: Offers, mode: Mode) -> bool:
    """Whether this way to attend is among them."""
    return any(offer.mode == mode for offer in offers)
