"""A member, as the portal knows one: finds an evening, joins, takes a place, changes their mind, answers."""

from __future__ import annotations

import random
import re
from urllib.parse import urlsplit

import httpx

from services.local.life.browser import Browser, Page, Stuck
from services.local.life.post import Letter, Post
from services.local.life.stage import Role
from shared.contracts.base import Channel, Mode

CONSENTS = ("meeting_changes", "meeting_reminders", "feedback_ask")


class Person:
    """One person with one browser. Everything they do, they do on the portal's pages."""

    def __init__(self, role: Role, portal: str, post: Post) -> None:
        self.role = role
        self.browser = Browser(portal, network=role.network)
        self._portal = portal
        self._post = post
        self.waiting = False
        """Whether they are in line."""

    @property
    def by_mail(self) -> bool:
        """Whether they chose email, and not texts."""
        return self.role.channel is Channel.EMAIL

    @property
    def address(self) -> str:
        """Where news of them arrives."""
        return self.role.address

    # -- coming in ----------------------------------------------------------------------------

    def come_to(self, meeting: str) -> None:
        """Ask for a place at a meeting, and join on the way: reach, code, agreement, place."""
        page = self._ask_for_place(meeting)
        if page.path != "/join":
            raise Stuck(f"asking for a place led to {page.path}: {page.gist()}")
        self._read_place(self._join(page))

    def join(self) -> None:
        """Join without a meeting in mind."""
        page = self._join(self.browser.get("/join"))
        if page.path != "/join/done":
            raise Stuck(f"joining led to {page.path}: {page.gist()}")

    def take_place(self, meeting: str) -> None:
        """Take a place as somebody who is signed in."""
        self._read_place(self._ask_for_place(meeting))

    def _ask_for_place(self, meeting: str) -> Page:
        page = self.browser.get(f"/meetings/{meeting}")
        return self.browser.send(page.form("/seat").fill(mode=self.role.mode.value))

    def _join(self, page: Page) -> Page:
        role, before = self.role, len(self._post.to(self.address, "code"))
        form = page.form("/join").fill(alias=role.alias, channel=role.channel.value, contact=role.contact, country="US")
        page = self.browser.send(form)
        code = re.search(r"\b(\d{6})\b", self._post.wait(self.address, "code", after=before).text)
        if code is None:
            raise Stuck("a message with a code held no code")
        page = self.browser.send(page.form("/join/code").fill(code=code[1]))
        if page.path != "/join/agreement":
            return page
        ticks = [f"{purpose}.{role.channel.value}" for purpose in CONSENTS]
        return self.browser.send(page.form("/join/agreement").fill(role=role.reason, consents=ticks, agree="yes"))

    def _read_place(self, page: Page) -> None:
        if page.says("You are in line"):
            self.waiting = True
        elif page.says("Your place is kept"):
            self.waiting = False
        else:
            raise Stuck(f"{page.path} shows no place: {page.gist()}")

    # -- later --------------------------------------------------------------------------------

    def look(self, meeting: str) -> Page:
        """Look at one's place."""
        page = self.browser.get(f"/my/meetings/{meeting}")
        self._read_place(page)
        return page

    def give_up(self, meeting: str) -> None:
        """Give one's place up."""
        page = self.browser.get(self.look(meeting).link("Give up my place"))
        page = self.browser.send(page.form("/give-up"))
        if not page.says("You gave up your place"):
            raise Stuck(f"giving up led to {page.path}: {page.gist()}")

    def leave(self) -> None:
        """Leave for good, and be forgotten."""
        page = self.browser.get(self.browser.get("/my").link("Leave, and be forgotten"))
        page = self.browser.send(page.form("/my/leave"))
        if page.path != "/done" or self.browser.get("/my").path != "/sign-in":
            raise Stuck(f"leaving led to {page.path}: {page.gist()}")

    def calendar(self, meeting: str) -> str:
        """One's place as a calendar file."""
        return self.browser.file(self.look(meeting).link("Put it in my calendar"))

    def unsubscribe(self, letter: Letter) -> None:
        """What a mail program does when "unsubscribe" is pressed: one POST, no cookie, no page (RFC 8058)."""
        if letter.unsubscribe is None:
            raise Stuck("a mail named no way to unsubscribe")
        answer = httpx.post(
            letter.unsubscribe,
            data={"List-Unsubscribe": "One-Click"},
            timeout=30,
            trust_env=False,
            follow_redirects=False,
        )
        if answer.status_code != httpx.codes.OK:
            raise Stuck(f"unsubscribing was answered {answer.status_code}")

    def close(self) -> None:
        """Close the browser."""
        self.browser.close()


def hand_in(portal: str, letter: Letter, chance: random.Random) -> str:
    """Answer what was asked, in a browser that knows nobody. ``counted``, or ``used`` for a code that was used before."""
    code = re.search(r"\b([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})\b", letter.text)
    if code is None:
        raise Stuck("a message that asks how it was held no code")
    with Browser(portal) as browser:
        page = browser.get("/f")
        form = page.form("/f")
        answers = {name: _answer(options, chance) for name, options in form.options.items() if name.startswith("q-")}
        page = browser.send(form.fill(code=code[1], **answers))
    if page.says("used before"):
        return "used"
    if page.says("Your answers are in"):
        return "counted"
    raise Stuck(f"{page.path} did not take the answers: {page.gist()}")


def _answer(options: list[str], chance: random.Random) -> str:
    """Mostly kind, sometimes not, now and then none."""
    scale = [option for option in options if option]
    weights = ([1, 2, 5, 4] + [1] * len(scale))[: len(scale)]
    return "" if chance.random() < 0.05 else chance.choices(scale, weights)[0]


def find_meeting(portal: str, group: str, chapter: str) -> str:
    """What a newcomer does first: look for the group. The id of its next meeting."""
    with Browser(portal) as browser:
        page = browser.get("/")
        page = browser.get(f"/?chapter={chapter}&text={group.replace(' ', '+')}")
        address = next((address for address, words in page.links if group in words and "/meetings/" in address), None)
    if address is None:
        raise Stuck(f"the finder does not show {group}: {page.gist()}")
    return urlsplit(address).path.rpartition("/")[2]


def needs(mode: Mode) -> str:
    """What a reminder must hold, in words."""
    return "the address" if mode is Mode.IN_PERSON else "the link"
