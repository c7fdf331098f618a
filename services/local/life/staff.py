"""A coordinator and a member of the regional staff, as the admin app knows them."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

import pyotp

from services.local.life.browser import Browser, Page, Stuck
from services.local.life.stage import Chapter

PATIENCE = 120.0


@dataclass(frozen=True)
class Account:
    """What a member of the staff signs in with; made for this run."""

    shown_name: str
    user_name: str
    password: str
    totp: str

    def code(self) -> str:
        """What the authenticator app shows now."""
        return pyotp.TOTP(self.totp).now()


class Staff:
    """Somebody with an account and a browser."""

    def __init__(self, admin: str, account: Account, browser: Browser) -> None:
        self.account = account
        self.browser = browser
        self._admin = admin

    def close(self) -> None:
        """Close the browser."""
        self.browser.close()


def accept(admin: str, invitation: str, shown_name: str, user_name: str) -> tuple[Account, Browser]:
    """Accept an invitation: name, password, authenticator app, recovery codes. Signed in afterwards."""
    browser = Browser(admin)
    page = browser.get(invitation)
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    form = page.form(invitation).fill(shown_name=shown_name, user_name=user_name, password=password)
    page = browser.send(form)
    secret = page.ids.get("secret", "").replace(" ", "")
    if not secret:
        raise Stuck(f"{page.path} shows no secret for the authenticator app: {page.gist()}")
    account = Account(shown_name, user_name, password, secret)
    page = browser.send(page.form("/second-factor").fill(code=account.code()))
    if not page.says("recovery codes"):
        raise Stuck(f"{page.path} gave no recovery codes: {page.gist()}")
    browser.get("/")
    return account, browser


class Coordinator(Staff):
    """Runs a chapter."""

    def furnish(self, chapter: Chapter, chapter_id: str) -> None:
        """Found the group, add the venue and the online room."""
        here, place = f"/chapters/{chapter_id}", chapter.place
        page = self.browser.get(f"{here}/groups/new")
        self._done(page, f"{here}/groups/new", name=chapter.group, purpose=chapter.purpose)
        page = self.browser.get(f"{here}/venues/new")
        self._done(
            page,
            f"{here}/venues/new",
            name=place.venue,
            address=place.address,
            city=place.city,
            postal_code=place.postal_code,
            country="US",
            access=place.access,
        )
        page = self.browser.get(f"{here}/rooms/new")
        self._done(page, f"{here}/rooms/new", name=place.room, link=place.link, passcode=place.passcode)

    def _done(self, page: Page, action: str, **typed: str) -> None:
        page = self.browser.send(page.form(action).fill(**typed))
        if page.path.endswith("/new"):
            raise Stuck(f"{page.path} did not take it: {page.gist()}")

    def schedule(self, chapter: Chapter, chapter_id: str, first: date) -> str:
        """Schedule the weekly series, seeing its dates first; the first date as the preview shows it."""
        here = f"/chapters/{chapter_id}/series/new"
        page = self.browser.get(here)
        form = page.form(here)
        typed = {
            "group_id": self._option(page, chapter.group, "group_id"),
            "repeats": "weekly",
            "weekday": str(first.weekday()),
            "starts_on": first.isoformat(),
            "starts": chapter.starts.strftime("%H:%M"),
            "minutes": str(chapter.minutes),
            "venue_id": self._option(page, chapter.place.venue, "venue_id"),
            "room_id": self._option(page, chapter.place.room, "room_id"),
            **{f"{mode.value}_capacity": str(places) for mode, places in chapter.places.items()},
        }
        page = self.browser.send(form.fill(**typed, modes=[mode.value for mode in chapter.places]), "Show the dates")
        begin = next((at for at, line in enumerate(page.lines) if line.startswith("The first")), -1)
        shown = page.lines[begin + 1]
        page = self.browser.send(page.form("/series/new"), "Schedule these meetings")
        if not page.says("The series is scheduled"):
            raise Stuck(f"{page.path} did not schedule it: {page.gist()}")
        return shown

    def _option(self, page: Page, words: str, name: str) -> str:
        """What an entry of a list stands for."""
        offered = page.form("/series/new").labels.get(name, {})
        if words not in offered:
            raise Stuck(f"{page.path} offers no {words} as {name}; it offers {', '.join(offered)}")
        return offered[words]

    # -- the evening --------------------------------------------------------------------------

    def seats(self, meeting: str) -> dict[str, tuple[int, int, int]]:
        """Confirmed, places and waiting, by the mode as the page calls it."""
        page = self.browser.get(f"/meetings/{meeting}")
        return read_seats(page)

    def shut_venue(self, meeting: str) -> tuple[int, str, str]:
        """Move the meeting online: how many people the button named, what they will read, and where the telling is shown."""
        page = self.browser.get(f"/meetings/{meeting}")
        page = self.browser.get(page.link("The venue is shut"))
        form = page.form("/change/online")
        people = int(form.value("people") or -1)
        button = next(each.text for each in form.buttons)
        if str(people) not in button:
            raise Stuck(f"the button does not name the {people} people: {button}")
        page = self.browser.send(form)
        return people, button, urlsplit(page.url).path

    def told(self, address: str) -> tuple[int, int, list[tuple[str, str, str]]]:
        """Reached, due, and who was not: alias, why, next step. Waits until the telling is over."""
        until = time.monotonic() + PATIENCE
        while True:
            page = self.browser.get(address)
            over = not page.says("Look again")
            figures = page.find(r"^(\d+) reached.* not reached, of (\d+)")
            if over and figures:
                return int(figures[1]), int(figures[2]), _missed(page)
            if time.monotonic() > until:
                raise Stuck(f"the telling did not end within {PATIENCE:.0f} s: {page.gist()}")
            time.sleep(0.5)

    def take_attendance(self, meeting: str, here: set[str], excused: set[str] = frozenset()) -> int:  # type: ignore[assignment]
        """Tap everybody who is here; how many taps it took."""
        address = f"/meetings/{meeting}/attendance"
        page, taps = self.browser.get(address), 0
        for form in page.forms:
            words = form.buttons[0].text if form.buttons else ""
            one, _, alias = words.partition(" \N{EN DASH} ")
            tapped = (one == "Here" and alias in here and form.value("mode") is None) or (
                one == "Excused" and alias in excused
            )
            if tapped:
                self.browser.send(form)
                taps += 1
        return taps

    def add_walk_in(self, meeting: str, alias: str, mode: str) -> None:
        """Somebody came without a seat."""
        page = self.browser.get(f"/meetings/{meeting}/attendance")
        page = self.browser.send(page.form("/walk-ins").fill(alias=alias, mode=mode))
        if not page.says("Added."):
            raise Stuck(f"{page.path} did not add the walk-in: {page.gist()}")

    def close_sheet(self, meeting: str) -> tuple[int, int]:
        """Close the sheet; who was here, of how many."""
        page = self.browser.get(f"/meetings/{meeting}/attendance")
        page = self.browser.send(page.form("/attendance/close"))
        if not page.says("The sheet is closed"):
            raise Stuck(f"{page.path} did not close the sheet: {page.gist()}")
        found = page.find(r"^(\d+) of (\d+) here")
        if found is None:
            raise Stuck(f"{page.path} shows no count: {page.gist()}")
        return int(found[1]), int(found[2])

    def is_over(self, meeting: str) -> bool:
        """Whether the service has ended the meeting: then nothing can be changed about it any more."""
        return not self.browser.get(f"/meetings/{meeting}").says("If something changes")


def read_seats(page: Page) -> dict[str, tuple[int, int, int]]:
    """From a meeting's page: confirmed, places, waiting, for each mode."""
    found: dict[str, tuple[int, int, int]] = {}
    for at, line in enumerate(page.lines):
        counts = re.fullmatch(r"(\d+) of (\d+)", line)
        if counts:
            mode = page.lines[at - 1]
            rest = page.lines[at + 1 :]
            ends = next((i for i, each in enumerate(rest) if re.fullmatch(r"\d+ of \d+", each)), len(rest))
            part = rest[:ends]
            waiting = 0
            if "Waiting, in this order" in part:
                tail = part[part.index("Waiting, in this order") + 1 :]
                stops = {"In the room", "Online", "By phone", "Look again"}
                waiting = next(
                    (i for i, each in enumerate(tail) if each in stops or each.startswith("And ")), len(tail)
                )
            found[mode] = (int(counts[1]), int(counts[2]), waiting)
    return found


def _missed(page: Page) -> list[tuple[str, str, str]]:
    """Who was not reached, from the page that says so: alias, why, next step."""
    missed = []
    for at, line in enumerate(page.lines):
        if line.startswith("Next step:"):
            missed.append((page.lines[at - 2], page.lines[at - 1], line.removeprefix("Next step:").strip()))
    return missed


@dataclass(frozen=True)
class Block:
    """One part of the report as it is shown: a chapter, or the region."""

    name: str
    persons: int | None
    withheld: str | None
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """The report as it is shown."""

    blocks: tuple[Block, ...]
    rules: tuple[str, ...]


class Regional(Staff):
    """Sees figures, and no person."""

    def open_window(self, name: str, closes: date, grace_hours: int) -> None:
        """Open a feedback window that begins today."""
        page = self.browser.get("/region/windows/new")
        form = page.form("/windows/new").fill(name=name, closes_on=closes.isoformat(), grace_hours=str(grace_hours))
        page = self.browser.send(form)
        if not page.says("The feedback window is open"):
            raise Stuck(f"{page.path} did not open the window: {page.gist()}")

    def report(self, name: str, *, within: float = PATIENCE) -> Shown:
        """The report of a window, once it is closed."""
        until = time.monotonic() + within
        while True:
            page = self.browser.get(self.browser.get("/windows").link(name))
            if page.says("What is withheld, and why"):
                return read_report(page)
            if time.monotonic() > until:
                raise Stuck(f"there is no report: {page.gist()}")
            time.sleep(0.5)

    def sees_a_person(self, meeting: str) -> bool:
        """Whether a meeting's page opens for regional staff. It must not."""
        try:
            self.browser.get(f"/meetings/{meeting}")
        except Stuck:
            return False
        return True


def read_report(page: Page) -> Shown:
    """The report's parts, from its page."""
    lines = page.lines
    begin = next(i for i, line in enumerate(lines) if line == "The whole region")
    end = lines.index("What is withheld, and why")
    heads = [i for i in range(begin, end) if i == begin or _is_head(lines, i, end)]
    blocks = []
    for at, head in enumerate(heads):
        part = lines[head + 1 : heads[at + 1] if at + 1 < len(heads) else end]
        persons = next((int(found[1]) for line in part if (found := re.match(r"About (\d+) people", line))), None)
        withheld = next(
            (line.removeprefix("withheld").strip() for line in part[:1] if line.startswith("withheld")), None
        )
        blocks.append(Block(lines[head], persons, withheld, tuple(part)))
    rules = []
    for line in lines[end + 1 :]:
        if not line.endswith((".", ".)")) or line.startswith("What you see here"):
            break
        rules.append(line)
    return Shown(tuple(blocks), tuple(rules))


def _is_head(lines: list[str], at: int, end: int) -> bool:
    """A part begins with its name, and then says how many answered, or why nothing is shown."""
    return (
        at + 1 < end
        and bool(re.match(r"About \d+ people answered|withheld ", lines[at + 1]))
        and (not lines[at].endswith((".", "?")) and not re.match(r"withheld|About", lines[at]))
    )
