"""A chapter: its groups, venues and online rooms, and the forms that add one."""

from __future__ import annotations

from typing import Any, ClassVar

from fastapi import APIRouter, Response
from pydantic import Field

from services.admin.access import ChapterDesk, OwnChapter
from shared.contracts.base import Command
from shared.contracts.errors import Refused
from shared.contracts.meetings import AddRoom, AddVenue, Format, FoundGroup, Kind, MembershipPolicy
from shared.gateway.forms import Fields, Form, blank, read_form

router = APIRouter()

KINDS = (
    (Kind.PEER, "Peer group", "People with the experience support each other"),
    (Kind.THERAPEUTIC, "Therapeutic group", "Led by a licensed professional"),
    (Kind.CONDITION_SPECIFIC, "Group around one condition", ""),
    (Kind.FAMILY, "Family and caregivers", ""),
    (Kind.EDUCATIONAL, "Educational group", ""),
    (Kind.MENTORING, "Mentoring, one to one", ""),
)
FORMATS = (
    (Format.SHARING_CIRCLE, "Sharing circle", "Equal, timed turns"),
    (Format.OPEN_DISCUSSION, "Open discussion", ""),
    (Format.TOPIC, "A topic each time", ""),
    (Format.WORKSHOP, "Workshop", ""),
)
POLICIES = (
    (MembershipPolicy.OPEN, "Open", "Whoever wants to come may come"),
    (MembershipPolicy.BY_AGREEMENT, "By agreement", "After a word with the facilitators"),
    (MembershipPolicy.BY_REFERRAL, "By referral", ""),
)
LONG = "Use 200 characters or fewer"


class Group(Fields):
    """A group to be founded."""

    missing: ClassVar[dict[str, str]] = {
        "name": "Enter the group's name",
        "purpose": "Say in a sentence what the group is for",
    }
    wrong: ClassVar[dict[str, str]] = {"name": LONG, "purpose": LONG, "kind": "Choose one", "format": "Choose one"}

    name: str = Field(max_length=200)
    purpose: str = Field(max_length=200)
    kind: Kind = Kind.PEER
    format: Format = Format.SHARING_CIRCLE
    policy: MembershipPolicy = MembershipPolicy.OPEN
    audience: str = Field(default="", max_length=200)
    access: str = Field(default="", max_length=500)


class Venue(Fields):
    """A physical place."""

    missing: ClassVar[dict[str, str]] = {
        "name": "Enter the venue's name",
        "address": "Enter street and number",
        "city": "Enter the town or city",
    }
    wrong: ClassVar[dict[str, str]] = {
        "name": LONG, "address": LONG, "city": LONG, "country": "Use two letters, for example US",
    }  # fmt: skip

    name: str = Field(max_length=200)
    address: str = Field(max_length=200)
    city: str = Field(max_length=200)
    postal_code: str = Field(default="", max_length=20)
    country: str = Field(default="", pattern=r"^[A-Za-z]{2}$")
    access: str = Field(default="", max_length=500)


class Room(Fields):
    """An online room. What opens it is sealed to the meetings service and never shown again."""

    missing: ClassVar[dict[str, str]] = {"name": "Enter a name for the room"}
    wrong: ClassVar[dict[str, str]] = {
        "link": "Enter a link that begins with https://",
        "dial_in": "Use 60 characters or fewer",
        "passcode": "Use 60 characters or fewer",
    }

    name: str = Field(max_length=200)
    link: str | None = Field(default=None, pattern=r"^https://\S+$", max_length=500)
    dial_in: str | None = Field(default=None, max_length=60)
    passcode: str | None = Field(default=None, max_length=60)


@router.get("/chapters/{chapter_id}")
async def chapter(desk: OwnChapter, done: str = "") -> Response:
    """Groups, venues and rooms."""
    return desk.page("chapter.html", holdings=await desk.holdings(), done=done)


async def _form(desk: ChapterDesk, template: str, form: Form[Any]) -> Response:
    return desk.page(
        template,
        status=form.status,
        form=form,
        chapter=(await desk.holdings()).chapter,
        kinds=KINDS,
        formats=FORMATS,
        policies=POLICIES,
    )


async def _add(desk: ChapterDesk, template: str, form: Form[Any], command: Command[Any], done: str) -> Response:
    try:
        await desk.send(command, form.request_id)
    except Refused as refused:
        return await _form(desk, template, form.refuse(refused))
    await desk.note(f"added_{done}", chapter_id=desk.chapter_id)
    return desk.go(f"/chapters/{desk.chapter_id}?done={done}")


@router.get("/chapters/{chapter_id}/groups/new")
async def new_group(desk: OwnChapter) -> Response:
    """The form for a group."""
    given = blank(kind=Kind.PEER, format=Format.SHARING_CIRCLE, policy=MembershipPolicy.OPEN)
    return await _form(desk, "new_group.html", given)


@router.post("/chapters/{chapter_id}/groups/new")
async def found_group(desk: OwnChapter) -> Response:
    """Found it."""
    form = await read_form(desk.request, Group)
    if not form.ok:
        return await _form(desk, "new_group.html", form)
    command = FoundGroup(chapter_id=desk.chapter_id, **form.given.model_dump())
    return await _add(desk, "new_group.html", form, command, "group")


@router.get("/chapters/{chapter_id}/venues/new")
async def new_venue(desk: OwnChapter) -> Response:
    """The form for a venue."""
    return await _form(desk, "new_venue.html", blank())


@router.post("/chapters/{chapter_id}/venues/new")
async def add_venue(desk: OwnChapter) -> Response:
    """Add it."""
    form = await read_form(desk.request, Venue)
    if not form.ok:
        return await _form(desk, "new_venue.html", form)
    given = {**form.given.model_dump(), "country": form.given.country.upper()}
    return await _add(desk, "new_venue.html", form, AddVenue(chapter_id=desk.chapter_id, **given), "venue")


@router.get("/chapters/{chapter_id}/rooms/new")
async def new_room(desk: OwnChapter) -> Response:
    """The form for an online room."""
    return await _form(desk, "new_room.html", blank())


@router.post("/chapters/{chapter_id}/rooms/new")
async def add_room(desk: OwnChapter) -> Response:
    """Add it, with its link sealed."""
    form = await read_form(desk.request, Room)
    if form.ok and not (form.given.link or form.given.dial_in):
        form.errors["link"] = "Enter a link, or a number to dial below"
    if not form.ok:
        return await _form(desk, "new_room.html", form)

    def sealed(text: str | None) -> Any:
        return desk.asking.seal_for("meetings", text) if text else None

    given = form.given
    command = AddRoom(
        chapter_id=desk.chapter_id,
        name=given.name,
        link=sealed(given.link),
        dial_in=sealed(given.dial_in),
        passcode=sealed(given.passcode),
    )
    return await _add(desk, "new_room.html", form, command, "room")
