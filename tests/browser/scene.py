"""One small region with people in it, set up as an operator and its coordinators set one up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as wall_time
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pyotp
from playwright.sync_api import Browser, StorageState

from services.admin.accounts import Book
from services.local.network import Network
from shared.contracts.base import (
    Actor,
    ChapterId,
    GroupId,
    MeetingId,
    Mode,
    RegionId,
    Role,
    RoomId,
    SeriesId,
    VenueId,
    WindowId,
)
from shared.contracts.feedback import ListWindows, OpenWindow
from shared.contracts.meetings import (
    AddRoom,
    AddVenue,
    FoundGroup,
    FoundRegion,
    MeetingPage,
    ModeOffer,
    OpenChapter,
    ScheduleSeries,
    SeriesPage,
    SeriesRule,
)
from shared.gateway.client import Client
from shared.runtime.clock import SharedClock
from shared.runtime.ids import new_id
from shared.runtime.keys import load_keys
from tests.browser.chromium import PHONE, Window
from tests.browser.people import Sink, Walker

T = TypeVar("T")

OPERATOR = Actor(role=Role.OPERATOR, id="operator")
ZONE = ZoneInfo("America/Chicago")
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
TOPIC = "Living after loss"
"""What one group is about: it must not stand where a stranger may look."""
PASSWORD = "several quiet words in a row"


@dataclass
class Colleague:
    """Someone with an account in the admin app."""

    name: str
    role: Role
    totp: str = ""
    recovery: list[str] = field(default_factory=list)
    state: StorageState | None = None

    @property
    def user_name(self) -> str:
        """What they sign in with."""
        return f"{self.name.casefold()}@example.org"


class Scene:
    """The region: who is there, and what a test may ask for."""

    def __init__(self, network: Network, browser: Browser) -> None:
        self.network = network
        self.browser = browser
        self.admin, self.portal = network.url("admin"), network.url("portal")
        self.sink = Sink(network.url("sink"))
        self.clock = SharedClock(network.around.clock_file)
        self.book = Book.open(network.database("admin"), load_keys(network.around.keys, "admin"))
        self.members: dict[str, Walker] = {}
        self.region: RegionId
        self.north: ChapterId
        self.lake: ChapterId
        self.group: GroupId
        self.venue: VenueId
        self.room: RoomId
        self.ana = Colleague("Ana", Role.COORDINATOR)
        self.ben = Colleague("Ben", Role.COORDINATOR)
        self.rita = Colleague("Rita", Role.REGIONAL)

    # -- the operator --------------------------------------------------------------------------

    def build(self) -> None:
        """Region, two chapters, what one of them meets with, and three colleagues."""
        self.advance_to(wall_time(15, 0))
        self.talk(self._found)
        for colleague, chapters in ((self.ana, [self.north]), (self.ben, [self.lake]), (self.rita, [])):
            with_page = Window(self.browser, self.admin)
            self.enrol(with_page, colleague, self.invite(colleague.role, chapters))
            colleague.state = with_page.context.storage_state()
            with_page.close()

    async def _found(self, client: Client) -> None:
        async def send(command: Any) -> Any:
            return await client.send(command, OPERATOR, request_id=new_id())

        self.region = (await send(FoundRegion(name="Great Lakes", slug="great-lakes"))).region_id
        for slug in ("north", "lake"):
            opened = OpenChapter(
                region_id=self.region,
                name="Northside" if slug == "north" else "Lakeside",
                slug=slug,
                time_zone=ZONE.key,
                languages=("en",),
            )
            setattr(self, slug, (await send(opened)).chapter_id)
        group = FoundGroup(chapter_id=self.north, name="Tuesday circle", purpose=TOPIC, audience="Adults")
        self.group = (await send(group)).group_id
        venue = AddVenue(
            chapter_id=self.north,
            name="Riverside Library",
            address="12 Main Street",
            city="Chicago",
            postal_code="60601",
            country="US",
            access="Step-free from Oak Lane. The lift is to the left.",
        )
        self.venue = (await send(venue)).venue_id
        link = client.seal_for("meetings", "https://meet.example.org/tuesday")
        self.room = (await send(AddRoom(chapter_id=self.north, name="Tuesday room", link=link))).room_id

    def invite(self, role: Role, chapters: list[ChapterId]) -> str:
        """The token of a fresh invitation."""
        return self.book.create_invitation(role, chapters)

    def talk(self, say: Callable[[Client], Awaitable[T]], *, as_: str = "operator") -> T:
        """Speak to the services as the command line does, or as a gateway. In a thread: playwright has a loop in ours."""

        async def run() -> T:
            async with Client(self.network.broker.url, load_keys(self.network.around.keys, as_)) as client:
                return await say(client)

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, run()).result(60)

    # -- time ----------------------------------------------------------------------------------

    def now(self) -> datetime:
        """Domain time, on the wall of the chapters."""
        return self.clock.now().astimezone(ZONE)

    def today(self) -> date:
        """The local day."""
        return self.now().date()

    def advance_to(self, at: wall_time | datetime) -> None:
        """Move the clock to this moment, or to the next time that the wall clock shows this. Never back."""
        now = self.now()
        if isinstance(at, datetime):
            moment = at
        else:
            moment = datetime.combine(now.date(), at, ZONE)
            moment = moment if moment > now else datetime.combine(now.date() + timedelta(days=1), at, ZONE)
        if moment > now:
            self.network.advance((moment - now).total_seconds())

    # -- colleagues ----------------------------------------------------------------------------

    def enrol(self, window: Window, who: Colleague, token: str) -> None:
        """Accept an invitation and set up the second factor, through the pages."""
        page = window.open(f"/invitation/{token}")
        page.get_by_label("Your name").fill(who.name)
        page.get_by_label("User name").fill(who.user_name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Go on").click()
        page.wait_for_url("**/second-factor")
        who.totp = page.locator("#secret").inner_text().replace(" ", "")
        page.get_by_label("Enter the six digits").fill(pyotp.TOTP(who.totp).now())
        page.get_by_role("button", name="Turn it on").click()
        page.get_by_role("heading", name="Your recovery codes").wait_for()
        who.recovery = page.locator(".codes li").all_inner_texts()

    def seated(self, who: Colleague, **options: Any) -> Window:
        """A window of the admin app in which this colleague is signed in."""
        assert who.state is not None
        return Window(self.browser, self.admin, **{"storage_state": who.state, **options})

    # -- meetings ------------------------------------------------------------------------------

    def schedule(
        self,
        *,
        starts: wall_time = wall_time(19, 0),
        on: date | None = None,
        room: int = 12,
        online: int = 60,
        times: int = 1,
    ) -> MeetingId:
        """A hybrid meeting of the circle: on this day, else the next time that the wall shows this hour.

        Once, or the first of so many weeks.
        """
        soonest = self.today() + timedelta(
            days=int(self.now() > datetime.combine(self.today(), starts, ZONE) - timedelta(minutes=90))
        )
        day = on or soonest
        rule = SeriesRule(
            rrule=f"FREQ=WEEKLY;BYDAY={DAYS[day.weekday()]};COUNT={times}", starts_on=day, starts=starts, minutes=90
        )
        command = ScheduleSeries(
            group_id=self.group,
            rule=rule,
            offers=(ModeOffer(mode=Mode.IN_PERSON, capacity=room), ModeOffer(mode=Mode.ONLINE, capacity=online)),
            venue_id=self.venue,
            room_id=self.room,
        )
        answer = self.talk(lambda client: client.send(command, OPERATOR, request_id=new_id()))
        meeting_id = answer.meetings[0]
        self.wait(lambda: self.is_open(meeting_id))
        return meeting_id

    def starts_of(self, meeting_id: MeetingId) -> datetime:
        """When it begins, on the wall of its chapter."""
        return self.talk(lambda client: client.ask(MeetingPage(meeting_id=meeting_id), OPERATOR)).starts_at.astimezone(
            ZONE
        )

    def series_of(self, meeting_id: MeetingId) -> SeriesId:
        """The series that a meeting belongs to."""
        found = self.talk(lambda client: client.ask(MeetingPage(meeting_id=meeting_id), OPERATOR)).series_id
        assert found is not None
        return found

    def dates_of(self, series_id: SeriesId) -> list[MeetingId]:
        """The coming meetings of a series, once others have heard of them."""
        plan = self.talk(lambda client: client.ask(SeriesPage(series_id=series_id), OPERATOR))
        found = [each.meeting_id for each in plan.meetings]
        self.wait(lambda: all(map(self.is_open, found)))
        return found

    def is_open(self, meeting_id: MeetingId) -> bool:
        """Whether registration and notifications have heard of it: its page says how many places are free."""
        with_counts = Walker(self.portal, self.sink)
        with_counts.open(f"/meetings/{meeting_id}")
        return "place" in with_counts.page.text.split("</h1>")[1]

    def open_window(self, days: int = 1) -> WindowId:
        """A feedback window that is open now and for some hours; answers are taken for a day more."""
        soon = self.clock.now() + timedelta(hours=8)
        windows = self.talk(lambda client: client.ask(ListWindows(), OPERATOR)).windows
        for each in windows:
            if each.opens_at <= self.clock.now() and each.closes_at > soon:
                return each.window_id
        later = [each for each in windows if each.closes_at > self.clock.now()]
        if later:
            self.advance_to(max(each.closes_at for each in later).astimezone(ZONE))
        command = OpenWindow(
            region_id=self.region,
            name=f"{self.now():%B %Y}",
            opens_at=self.clock.now(),
            closes_at=self.clock.now() + timedelta(days=days),
            grace_hours=24,
        )
        return self.talk(lambda client: client.send(command, OPERATOR, request_id=new_id())).window_id

    # -- members -------------------------------------------------------------------------------

    def join(self, *aliases: str, **options: Any) -> list[Walker]:
        """Members of these names; who has joined before is the same."""
        missing = [alias for alias in aliases if alias not in self.members]
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda alias: self._join(alias, **options), missing))
        return [self.members[alias] for alias in aliases]

    def _join(self, alias: str, **options: Any) -> None:
        walker = Walker(self.portal, self.sink)
        walker.join(alias, address_of(alias), **options)
        self.members[alias] = walker

    def member_window(self, alias: str, **options: Any) -> Window:
        """A window of the portal in which this member is signed in."""
        (walker,) = self.join(alias)
        window = Window(self.browser, self.portal, **options)
        window.context.add_cookies(
            [{"name": each.name, "value": each.value or "", "url": self.portal} for each in walker.http.cookies.jar]
        )
        return window

    @staticmethod
    def wait(true: Callable[[], bool], *, seconds: float = 30) -> None:
        """Wait until it is so."""
        until = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < until, "it did not become so in time"
            time.sleep(0.1)


def address_of(alias: str) -> str:
    """The address of a member of this name."""
    return f"{alias.casefold().replace(' ', '.')}@example.org"


__all__ = ["PHONE", "Colleague", "Scene", "address_of"]
