"""The venue is shut, tonight online; back again; cancelled: preview, count, confirm, progress, who was not reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import Field

from services.admin.access import MeetingDesk, OwnMeeting
from services.admin.pages.meetings import seats_of, told_people
from shared.contracts.base import Command, Done, MeetingId, MemberId, Mode, NoticeId
from shared.contracts.errors import Invalid, Refused, Stale
from shared.contracts.meetings import CancelMeeting, MeetingPage, MeetingStatus, MeetingView, MoveBack, MoveOnline
from shared.contracts.notifications import NoticeProgress, NoticeState, PreviewChange, Progress, SettleHeld, Unreached
from shared.gateway.forms import Fields, Form, blank, read_form
from shared.gateway.pages import wants_fragment
from shared.gateway.wording import people

router = APIRouter()

What = Literal["online", "back", "cancel"]


@dataclass(frozen=True)
class Change:
    """One way to change a meeting, as it is told and done."""

    notice: Literal["moved_online", "moved_back", "cancelled"]
    command: type[MoveOnline | MoveBack | CancelMeeting]
    title: str
    does: str  # after "Tell 14 people and …"
    done: str
    kind: str = "main"

    def button(self, count: int) -> str:
        """The words of the button, with the number of people in them."""
        return f"Tell {people(count)} and {self.does}" if count else f"{self.does[:1].upper()}{self.does[1:]}"

    def make(self, meeting_id: MeetingId, revision: int) -> Command[Done]:
        """The command."""
        return self.command(meeting_id=meeting_id, revision=revision)


CHANGES: dict[str, Change] = {
    "online": Change("moved_online", MoveOnline, "Meet online instead", "meet online", "The meeting is online now"),
    "back": Change("moved_back", MoveBack, "Meet in the room after all", "meet in the room", "The meeting is back in the room"),
    "cancel": Change("cancelled", CancelMeeting, "Cancel the meeting", "cancel the meeting", "The meeting is cancelled", "danger"),
}  # fmt: skip


DONE = {what: change.done for what, change in CHANGES.items()} | {"move": "The meeting has moved"}


def possible(meeting: MeetingView, what: str) -> str | None:
    """Why this change cannot be made now, as a sentence; None if it can."""
    if meeting.status is not MeetingStatus.SCHEDULED:
        return "This meeting is over or was cancelled, so it cannot be changed."
    if what == "back" and not meeting.online_instead:
        return "This meeting was not moved online, so there is nothing to move back."
    if what == "online":
        if meeting.online_instead:
            return "This meeting is online already."
        if not any(offer.mode is Mode.IN_PERSON for offer in meeting.offers):
            return "This meeting has no room to leave: it is online already."
        if not meeting.has_room:
            return "This meeting has no online room to move to. Add one to the chapter, and to the series, first."
    return None


class Confirmation(Fields):
    """What the person saw when they pressed the button."""

    people: int = Field(ge=0)
    revision: int = Field(ge=1)


async def _page(
    desk: MeetingDesk, what: str, form: Form[Confirmation], *, moved: str = "", status: int | None = None
) -> Response:
    change, meeting = CHANGES[what], desk.meeting
    hindrance = possible(meeting, what)
    if hindrance:
        return desk.page("change_impossible.html", status=409, meeting=meeting, title=change.title, hindrance=hindrance)
    seats = await seats_of(desk)
    preview = await desk.ask(PreviewChange(meeting_id=meeting.meeting_id, change=change.notice))
    return desk.page(
        "change.html",
        status=status or form.status,
        meeting=meeting,
        what=what,
        change=change,
        preview=preview,
        count=told_people(seats),
        form=form,
        moved=moved,
    )


@router.get("/meetings/{meeting_id}/change/{what}")
async def preview(desk: OwnMeeting, what: What) -> Response:
    """What people would be told, and how many."""
    return await _page(desk, what, blank())


@router.post("/meetings/{meeting_id}/change/{what}")
async def confirm(desk: OwnMeeting, what: What) -> Response:
    """Count again; where the number or the meeting moved since the page was shown, show it again, else do it."""
    form, change, meeting = await read_form(desk.request, Confirmation), CHANGES[what], desk.meeting
    if not form.ok:
        raise Invalid("the form is not complete")
    now_there = told_people(await seats_of(desk))
    if form.given.revision != meeting.revision:
        if possible(meeting, what):  # it was done already, perhaps by this very form
            return desk.go(f"/meetings/{meeting.meeting_id}/told/{meeting.revision}")
        return await _page(desk, what, blank(), moved="The meeting was changed since you opened this page.", status=409)
    if form.given.people != now_there:
        moved = f"It was {people(form.given.people)} when you opened this page; it is {people(now_there)} now."
        return await _page(desk, what, blank(), moved=moved, status=409)
    try:
        await desk.send(change.make(meeting.meeting_id, meeting.revision), form.request_id)
    except Stale:
        return await _page(desk, what, blank(), moved="The meeting was changed since you opened this page.", status=409)
    except Refused as refused:
        return await _page(desk, what, form.refuse(refused))
    await desk.note_here(change.notice)
    after = await desk.ask(MeetingPage(meeting_id=meeting.meeting_id))
    return desk.go(f"/meetings/{meeting.meeting_id}/told/{after.revision}?done={what}")


# -- how the telling goes ---------------------------------------------------------------------


@dataclass(frozen=True)
class Missed:
    """Someone who was not reached, by the name that their coordinator knows."""

    alias: str
    unreached: Unreached

    @property
    def held(self) -> bool:
        """Whether a person must decide."""
        return self.unreached.state is NoticeState.HELD


async def telling(desk: MeetingDesk, revision: int) -> tuple[Progress, list[Missed], bool]:
    """Progress, who was not reached, and whether it is still being made ready."""
    progress = await desk.ask(NoticeProgress(meeting_id=desk.meeting.meeting_id, revision=revision))
    seats = await seats_of(desk)
    alias: dict[MemberId, str] = {row.member_id: row.alias for row in seats.seats}
    missed = [Missed(alias.get(each.member_id, "Someone who gave up their seat"), each) for each in progress.unreached]
    gathering = progress.due == 0 and not progress.complete  # notifications has not heard of the change yet
    return progress, sorted(missed, key=lambda each: (not each.held, each.alias.casefold())), gathering


@router.get("/meetings/{meeting_id}/told/{revision}")
async def told(desk: OwnMeeting, revision: int, done: str = "") -> Response:
    """How the telling goes; then who was not reached, why, and the next step."""
    progress, missed, gathering = await telling(desk, revision)
    if not wants_fragment(desk.request):
        await desk.note_here("looked_at_unreached")
    return desk.page(
        "_told.html" if wants_fragment(desk.request) else "told.html",
        meeting=desk.meeting,
        revision=revision,
        progress=progress,
        missed=missed,
        gathering=gathering,
        done=DONE.get(done, ""),
    )


class Decision(Fields):
    """What a person found out about a held notice."""

    notice_id: str
    decision: Literal["arrived", "send_again", "give_up"]


@router.post("/meetings/{meeting_id}/told/{revision}/settle")
async def settle(desk: OwnMeeting, revision: int) -> Response:
    """Decide on a held notice of this very change."""
    form = await read_form(desk.request, Decision)
    progress = await desk.ask(NoticeProgress(meeting_id=desk.meeting.meeting_id, revision=revision))
    if not form.ok or form.given.notice_id not in {each.notice_id for each in progress.unreached}:
        raise Invalid("This notice is not waiting for a decision any more.")
    given = form.given
    await desk.send(SettleHeld(notice_id=NoticeId(given.notice_id), decision=given.decision), form.request_id)
    await desk.note_here(f"held_notice_{given.decision}")
    return desk.go(f"/meetings/{desk.meeting.meeting_id}/told/{revision}")
