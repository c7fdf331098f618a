"""The stage: a region that could be any, three chapters, their groups and places, and the people of one story.

All of it is made up. Addresses are in domains that nobody can have (RFC 2606), numbers are those that the North
American numbering plan keeps for stories (555-0100 to 0199).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import time
from pathlib import Path

from shared.contracts.base import Channel, Mode

REGION = ("Lakeshore Circle", "lakeshore")
LIST = Path(__file__).parent / "north_side_meetings.json"
"""A Meeting Guide list as a chapter keeps it, one row of it unusable; of our own making."""


@dataclass(frozen=True)
class Place:
    """A venue and an online room, as a coordinator types them."""

    venue: str
    address: str
    city: str
    postal_code: str
    access: str
    room: str
    link: str
    passcode: str


@dataclass(frozen=True)
class Chapter:
    """A chapter with the one group whose evening is played."""

    slug: str
    name: str
    time_zone: str
    group: str
    purpose: str
    place: Place
    starts: time
    minutes: int
    places: dict[Mode, int] = field(default_factory=dict)


MAIN = Chapter(
    slug="north-side",
    name="North Side",
    time_zone="America/Chicago",
    group="Evening circle",
    purpose="People who live with ups and downs listen to each other. Everyone gets the same time to speak.",
    place=Place(
        "Larch Street Library",
        "214 Larch Street",
        "Lakeshore",
        "60640",
        "Side door, no steps, lift to the first floor",
        "Library screen",
        "https://meet.example.org/j/8391-2207-51",
        "heron-17",
    ),
    starts=time(19, 0),
    minutes=90,
    places={Mode.IN_PERSON: 12, Mode.ONLINE: 60},
)
SECOND = Chapter(
    slug="harbor",
    name="Harbor",
    time_zone="America/New_York",
    group="Family table",
    purpose="For those who care for somebody close. Bring a cup; you can just listen.",
    place=Place(
        "Harbor House",
        "9 Quay Road",
        "Eastport",
        "04631",
        "Ground floor, wide doors",
        "Harbor screen",
        "https://meet.example.org/j/5512-9083-77",
        "tern-42",
    ),
    starts=time(18, 30),
    minutes=90,
    places={Mode.IN_PERSON: 20, Mode.ONLINE: 20},
)
THIRD = Chapter(
    slug="prairie",
    name="Prairie",
    time_zone="America/Chicago",
    group="Open hour",
    purpose="An open talk at the end of the day, online, from wherever you are.",
    place=Place(
        "Grange Hall",
        "3 Mill Lane",
        "Wheaton Fields",
        "50010",
        "Two steps, ramp at the back",
        "Prairie screen",
        "https://meet.example.org/j/7740-1163-20",
        "plover-08",
    ),
    starts=time(19, 30),
    minutes=60,
    places={Mode.ONLINE: 40},
)
CHAPTERS = (MAIN, SECOND, THIRD)

_COLOURS = (
    "Amber",
    "Birch",
    "Cobalt",
    "Dusky",
    "Ember",
    "Fern",
    "Golden",
    "Hazel",
    "Indigo",
    "Juniper",
    "Lilac",
    "Mossy",
)
_BIRDS = ("Avocet", "Bittern", "Curlew", "Dunlin", "Egret", "Fulmar", "Gannet")


@dataclass(frozen=True)
class Role:
    """Who somebody is in the story: what they type, and how they want to come."""

    alias: str
    channel: Channel
    contact: str  # as it is typed
    address: str  # as it is kept: lower case, or E.164
    network: str  # the address of their home network; RFC 2544's range, which nobody has
    mode: Mode
    reason: str  # why they come, as the portal's form names it


def cast(edition: int) -> dict[str, list[Role]]:
    """The people of each chapter: forty, twelve and twenty. Another edition has other addresses and names."""
    sizes = {MAIN.slug: 40, SECOND.slug: 12, THIRD.slug: 20}
    people: dict[str, list[Role]] = {}
    number = 0
    for slug, size in sizes.items():
        people[slug] = [_role(number + at, at, slug, edition) for at in range(size)]
        number += size
    return people


def mode_of(at: int, slug: str) -> Mode:
    """How the person in this place of the queue wants to come: two of five of the forty want the room."""
    if slug == MAIN.slug:
        return Mode.IN_PERSON if at % 5 in (0, 2) else Mode.ONLINE
    return Mode.IN_PERSON if slug == SECOND.slug and at % 2 == 0 else Mode.ONLINE


def _role(number: int, at: int, slug: str, edition: int) -> Role:
    alias = f"{_COLOURS[number % len(_COLOURS)]} {_BIRDS[number // len(_COLOURS)]}"
    mark = "" if edition == 1 else f"{edition}"
    by_text = at % 4 == 1
    area = 312 + (edition - 1) % 5
    name = alias.lower().replace(" ", ".")
    return Role(
        alias=f"{alias} {mark}".strip(),
        channel=Channel.SMS if by_text else Channel.EMAIL,
        contact=f"({area}) 555-{100 + number:04d}" if by_text else f"{name.title()}{mark}@example.org",
        address=f"+1{area}555{100 + number:04d}" if by_text else f"{name}{mark}@example.org",
        network=f"198.18.{number + 1}.{10 + edition}",
        mode=mode_of(at, slug),
        reason="family" if slug == SECOND.slug else "lived_experience",
    )


WALK_IN = "Pewter Redshank"
"""Who comes without a seat, a phone or an address."""


def edition_of(chapter: Chapter, edition: int) -> Chapter:
    """The chapter with a group of its own for each edition of the story."""
    if edition == 1:
        return chapter
    place = replace(chapter.place, venue=f"{chapter.place.venue} {edition}", room=f"{chapter.place.room} {edition}")
    return replace(chapter, group=f"{chapter.group} {edition}", place=place)
