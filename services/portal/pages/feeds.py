"""The public feeds: Meeting Guide JSON and iCalendar, for the region, a chapter or a group.

They may be read by any program on any site (CORS for feeds alone) and are kept for five minutes; an ETag spares
the rest. What is in them says where groups meet, never who or how many come, and never a join link.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from services.portal.finder import chapters
from services.portal.parts import VISITOR, portal_of
from shared.contracts.base import ChapterId, GroupId, Query
from shared.contracts.errors import NotFound
from shared.contracts.meetings import CalendarFeed, Feed, MeetingGuideFeed
from shared.gateway.web import asking_of

router = APIRouter(prefix="/feeds")

OPEN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "public, max-age=300",
    "X-Robots-Tag": "all",
}


def _quoted(etag: str) -> str:
    return etag if etag.startswith(('"', 'W/"')) else f'"{etag}"'


def _same(header: str, etag: str) -> bool:
    """Whether If-None-Match names this tag: weak comparison (RFC 9110, 13.1.2)."""
    asked = [each.strip().removeprefix("W/") for each in header.split(",")]
    return "*" in asked or etag.removeprefix("W/") in asked


async def _serve(request: Request, query: Query[Feed]) -> Response:
    feed = await asking_of(request).ask(query, VISITOR, seconds=15.0)
    etag = _quoted(feed.etag)
    headers = {**OPEN, "ETag": etag}
    if _same(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    body = b"" if request.method == "HEAD" else feed.body.encode()
    length = {"Content-Length": str(len(feed.body.encode()))}
    return Response(body, headers={**headers, **length, "Content-Type": feed.content_type})


async def _chapter(request: Request, slug: str) -> ChapterId:
    for each in (await chapters(asking_of(request))).chapters:
        if each.slug == slug:
            return each.chapter_id
    raise NotFound("There is no such chapter.")


def _site(request: Request) -> str:
    return portal_of(request).settings.portal_url


@router.api_route("/meetings.json", methods=["GET", "HEAD"])
async def region_guide(request: Request) -> Response:
    """All meetings, in the Meeting Guide format."""
    return await _serve(request, MeetingGuideFeed(site=_site(request)))


@router.api_route("/calendar.ics", methods=["GET", "HEAD"])
async def region_calendar(request: Request) -> Response:
    """All coming meetings as a calendar."""
    return await _serve(request, CalendarFeed(site=_site(request)))


@router.api_route("/chapters/{slug}/meetings.json", methods=["GET", "HEAD"])
async def chapter_guide(request: Request, slug: str) -> Response:
    """One chapter's meetings, in the Meeting Guide format."""
    return await _serve(request, MeetingGuideFeed(chapter_id=await _chapter(request, slug), site=_site(request)))


@router.api_route("/chapters/{slug}/calendar.ics", methods=["GET", "HEAD"])
async def chapter_calendar(request: Request, slug: str) -> Response:
    """One chapter's coming meetings as a calendar."""
    return await _serve(request, CalendarFeed(chapter_id=await _chapter(request, slug), site=_site(request)))


@router.api_route("/groups/{group_id}/calendar.ics", methods=["GET", "HEAD"])
async def group_calendar(request: Request, group_id: str) -> Response:
    """One group's coming meetings as a calendar."""
    return await _serve(request, CalendarFeed(group_id=GroupId(group_id), site=_site(request)))


async def _preflight(request: Request) -> Response:
    """What a browser asks before a script of another site sends If-None-Match."""
    allowed = {
        "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
        "Access-Control-Allow-Headers": "If-None-Match",
        "Access-Control-Max-Age": "86400",
    }
    return Response(status_code=204, headers={**OPEN, **allowed})


for _feed in [each for each in router.routes if isinstance(each, APIRoute)]:
    router.add_api_route(_feed.path.removeprefix(router.prefix), _preflight, methods=["OPTIONS"])
