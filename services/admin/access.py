"""Who is at the page, and what they may open. What one may not see answers like what does not exist: 404."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from fastapi import Depends, Request, Response
from fastapi.responses import RedirectResponse

from services.admin.accounts import Book
from services.admin.store import Account
from shared.contracts.base import Actor, ChapterId, Command, MeetingId, Query, Role, View
from shared.contracts.errors import NotFound
from shared.contracts.meetings import ChapterHoldings, ChapterPage, MeetingPage, MeetingView
from shared.gateway.asking import Asking
from shared.gateway.database import in_thread
from shared.gateway.pages import go, pages_of, wants_fragment
from shared.gateway.sessions import Session, Sessions
from shared.gateway.web import asking_of, site_of
from shared.runtime.ids import new_id

V = TypeVar("V", bound=View)


class SignInNeeded(Exception):  # noqa: N818
    """Nobody is signed in, or not far enough."""


def ask_to_sign_in(request: Request, _error: Exception) -> Response:
    """Go to the sign-in page, and come back afterwards where that is safe."""
    come_back = f"?next={quote(request.url.path)}" if request.method == "GET" and request.url.path != "/" else ""
    if wants_fragment(request):
        return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
    return RedirectResponse(f"/sign-in{come_back}", status_code=303)


def safe_next(path: str | None) -> str:
    """A path of this site to go on to; the start page for whatever is not clearly one."""
    if not path or not path.startswith("/") or path.startswith("//") or "\\" in path or not path.isprintable():
        return "/"
    return path


def book_of(request: Request) -> Book:
    """The book of accounts."""
    found: Book = request.app.state.book
    return found


def sessions_of(request: Request) -> Sessions:
    """The sessions."""
    found: Sessions = request.app.state.sessions
    return found


def network_of(request: Request) -> str:
    """Where the request comes from, for limits only; never stored in the clear."""
    return request.client.host if request.client else ""


@dataclass(frozen=True)
class Who:
    """Someone who is signed in."""

    account: Account
    session: Session

    @property
    def actor(self) -> Actor:
        """As whom the services are asked."""
        return Actor(role=self.account.role, id=self.account.account_id, chapters=self.account.chapters)

    @property
    def name(self) -> str:
        """As colleagues know them."""
        return self.account.shown_name

    @property
    def is_regional(self) -> bool:
        """Regional staff see figures and no person."""
        return self.account.role is Role.REGIONAL


@dataclass(frozen=True)
class Desk:
    """Someone at a page: asks, sends, renders and notes in their name."""

    request: Request
    who: Who

    @property
    def asking(self) -> Asking:
        """The way to the services."""
        return asking_of(self.request)

    @property
    def now(self) -> datetime:
        """Domain time."""
        return site_of(self.request).clock.now()

    async def ask(self, query: Query[V]) -> V:
        """Ask for a view."""
        return await self.asking.ask(query, self.who.actor)

    async def send(self, command: Command[V], request_id: str | None = None) -> V:
        """Ask for a change, under the form's request id."""
        return await self.asking.send(command, self.who.actor, request_id=request_id or new_id())

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response:
        """A page, or a fragment."""
        return pages_of(self.request).render(self.request, template, status=status, desk=self, now=self.now, **context)

    def go(self, url: str) -> Response:
        """Go on to another page."""
        return go(self.request, url)

    async def note(self, act: str, *, chapter_id: str | None = None, meeting_id: str | None = None) -> None:
        """Add a line to the audit trail."""
        await in_thread(
            book_of(self.request).note, self.who.account.account_id, act, chapter_id=chapter_id, meeting_id=meeting_id
        )


@dataclass(frozen=True)
class ChapterDesk(Desk):
    """A coordinator in one of their chapters."""

    chapter_id: ChapterId

    async def holdings(self) -> ChapterHoldings:
        """What can be scheduled with."""
        return await self.ask(ChapterPage(chapter_id=self.chapter_id))


@dataclass(frozen=True)
class MeetingDesk(Desk):
    """A coordinator at a meeting of one of their chapters."""

    meeting: MeetingView

    async def note_here(self, act: str) -> None:
        """Add a line about this meeting to the audit trail."""
        await self.note(act, chapter_id=self.meeting.chapter_id, meeting_id=self.meeting.meeting_id)


async def session_at(request: Request) -> Session | None:
    """The session of this browser, at whatever stage."""
    token = site_of(request).session_cookie.read(request)
    by_itself = request.method == "GET" and (wants_fragment(request) or request.url.path.endswith("/live"))
    return await in_thread(sessions_of(request).find, token, touch=not by_itself) if token else None


async def signed_in(request: Request) -> Desk:
    """Whoever is signed in, of any role. The account is read anew each time: what it may do changes at once."""
    session = await session_at(request)
    if session is None or session.stage != "full":
        raise SignInNeeded
    account = await in_thread(book_of(request).get, session.subject)
    if account is None:
        raise SignInNeeded
    who = Who(account, session)
    request.state.who = who
    return Desk(request, who)


AnyDesk = Annotated[Desk, Depends(signed_in)]


async def coordinating(desk: AnyDesk) -> Desk:
    """A coordinator."""
    if desk.who.account.role is not Role.COORDINATOR:
        raise NotFound("there is no such page, or it is not one that you may see")
    return desk


async def regional(desk: AnyDesk) -> Desk:
    """Regional staff."""
    if not desk.who.is_regional:
        raise NotFound("there is no such page, or it is not one that you may see")
    return desk


CoordinatorDesk = Annotated[Desk, Depends(coordinating)]
RegionalDesk = Annotated[Desk, Depends(regional)]


async def own_chapter(desk: CoordinatorDesk, chapter_id: str) -> ChapterDesk:
    """A chapter of the coordinator's own."""
    if chapter_id not in desk.who.account.chapters:
        raise NotFound("there is no such chapter among those you look after")
    return ChapterDesk(desk.request, desk.who, ChapterId(chapter_id))


async def own_meeting(desk: CoordinatorDesk, meeting_id: str) -> MeetingDesk:
    """A meeting of a chapter of the coordinator's own."""
    meeting = await desk.ask(MeetingPage(meeting_id=MeetingId(meeting_id)))
    if meeting.chapter_id not in desk.who.account.chapters:
        raise NotFound("there is no such meeting")  # word for word what is said of one that does not exist
    return MeetingDesk(desk.request, desk.who, meeting)


OwnChapter = Annotated[ChapterDesk, Depends(own_chapter)]
OwnMeeting = Annotated[MeetingDesk, Depends(own_meeting)]
