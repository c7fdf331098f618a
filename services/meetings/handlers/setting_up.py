"""Found the region, open chapters, found groups, add venues and online rooms."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from services.meetings.handlers.access import own_chapter, require
from services.meetings.model.network import (
    Chapter,
    Group,
    Region,
    Room,
    RoomSecrets,
    Venue,
    clean_languages,
    known_zone,
    line,
    short,
)
from services.meetings.work import Work
from shared.contracts.base import Actor, ChapterId, GroupId, RegionId, Role, RoomId, Sealed, VenueId
from shared.contracts.errors import AlreadyDone, Invalid, NotFound
from shared.contracts.meetings import (
    AddRoom,
    AddVenue,
    ChapterAnswer,
    FoundGroup,
    FoundRegion,
    GroupAnswer,
    OpenChapter,
    RegionFounded,
    RoomAnswer,
    VenueAnswer,
)
from shared.runtime.keys import CannotOpen

_DIAL_IN = re.compile(r"[+0-9][0-9 ().,*#/x-]{4,99}")


def found_region(command: FoundRegion, actor: Actor, work: Work) -> RegionFounded:
    """Make the region. There is one in a cell; the same slug again answers it. Raises AlreadyDone for another."""
    require(actor, Role.OPERATOR)
    region = work.regions.the_one()
    if region is None:
        region = Region(RegionId(work.new_id()), line(command.name, "name"), command.slug)
        work.regions.add(region)
    elif region.slug != command.slug:
        raise AlreadyDone("this network has its region already; another one is run as a network of its own")
    return RegionFounded(region_id=region.region_id)


def open_chapter(command: OpenChapter, actor: Actor, work: Work) -> ChapterAnswer:
    """Open a chapter. The same slug again answers the same chapter, as it is."""
    require(actor, Role.OPERATOR, Role.REGIONAL)
    region = work.regions.the_one()
    if region is None or region.region_id != command.region_id:
        raise NotFound("there is no such region", field="region_id")
    chapter = work.chapters.by_slug(region.region_id, command.slug)
    if chapter is None:
        chapter = Chapter(
            chapter_id=ChapterId(work.new_id()),
            region_id=region.region_id,
            name=line(command.name, "name"),
            slug=command.slug,
            time_zone=known_zone(command.time_zone),
            languages=clean_languages(command.languages),
        )
        work.chapters.add(chapter)
        work.publish(chapter.opened())
    return ChapterAnswer(chapter_id=chapter.chapter_id)


def found_group(command: FoundGroup, actor: Actor, work: Work) -> GroupAnswer:
    """Found a group in a chapter."""
    chapter = own_chapter(command.chapter_id, actor, work)
    group = Group(
        group_id=GroupId(work.new_id()),
        chapter_id=chapter.chapter_id,
        name=line(command.name, "name"),
        purpose=line(command.purpose, "purpose"),
        kind=command.kind,
        format=command.format,
        audience=short(command.audience, "audience"),
        languages=clean_languages(command.languages),
        access=short(command.access, "access"),
        policy=command.policy,
        changed_at=work.now,
    )
    work.groups.add(group)
    work.publish(group.founded())
    return GroupAnswer(group_id=group.group_id)


def add_venue(command: AddVenue, actor: Actor, work: Work) -> VenueAnswer:
    """Add a physical place to a chapter."""
    chapter = own_chapter(command.chapter_id, actor, work)
    venue = Venue(
        venue_id=VenueId(work.new_id()),
        chapter_id=chapter.chapter_id,
        name=line(command.name, "name"),
        address=line(command.address, "address"),
        city=line(command.city, "city"),
        state="",
        postal_code=short(command.postal_code, "postal_code", 20),
        country=short(command.country, "country", 60),
        access=short(command.access, "access"),
    )
    work.venues.add(venue)
    return VenueAnswer(venue_id=venue.venue_id)


def add_room(command: AddRoom, actor: Actor, work: Work) -> RoomAnswer:
    """Add an online room to a chapter; what lets one in stays sealed. Raises Invalid, field link or dial_in."""
    chapter = own_chapter(command.chapter_id, actor, work)
    secrets = RoomSecrets(
        link=_opened(command.link, "link", work),
        dial_in=_opened(command.dial_in, "dial_in", work),
        passcode=_opened(command.passcode, "passcode", work),
    )
    if secrets.link is None and secrets.dial_in is None:
        raise Invalid("a room needs a link, a dial-in number, or both", field="link")
    if secrets.link is not None:
        check_link(secrets.link)
    if secrets.dial_in is not None and not _DIAL_IN.fullmatch(secrets.dial_in):
        raise Invalid("a dial-in number has digits, + , * and # only: +44 20 7946 0000,,123456#", field="dial_in")
    room = keep_room(chapter.chapter_id, line(command.name, "name"), secrets, work)
    return RoomAnswer(room_id=room.room_id)


def keep_room(chapter_id: ChapterId, name: str, secrets: RoomSecrets, work: Work) -> Room:
    """Add a room with these secrets."""
    room = Room(
        room_id=RoomId(work.new_id()),
        chapter_id=chapter_id,
        name=name,
        has_link=secrets.link is not None,
        has_dial_in=secrets.dial_in is not None,
    )
    work.rooms.add(room, secrets)
    return room


def check_link(link: str) -> None:
    """A link starts with https:// and names a host. Raises Invalid; the message never holds the link."""
    try:
        parts = urlsplit(link)
        good = parts.scheme == "https" and bool(parts.hostname) and "." in str(parts.hostname)
    except ValueError:
        good = False
    if not good or len(link) > 2000 or not link.isprintable() or " " in link:
        raise Invalid("a link begins with https:// and names a site: https://meet.example.org/room", field="link")


def _opened(sealed: Sealed | None, field: str, work: Work) -> str | None:
    if sealed is None:
        return None
    try:
        text = work.unseal(sealed).strip()
    except CannotOpen as error:
        raise Invalid("this was not sealed to the meetings service; send the form again", field=field) from error
    if len(text) > 2000:
        raise Invalid("this is too long", field=field)
    return text or None
