"""Members by page: everything they do, they do in a browser on the portal, form by form.

A form's hidden ``request_id`` is the request's id; pressing again after a lost answer sends the same one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx

from services.local.life.browser import Browser, Page, Stuck, WebForm, read_page
from services.local.life.people import CONSENTS
from shared.contracts.errors import PayloadDiffers, Refused
from shared.contracts.meetings import MeetingView
from tests.chaos.driver.doing import Act, Doer, Facts, Unknown
from tests.chaos.driver.letters import six_digits
from tests.chaos.driver.people import IMPATIENT, LEAVING, SOON
from tests.chaos.driver.scene import Scene
from tests.chaos.driver.town import Person

ANSWERED = (200, 400, 403, 404, 409, 410, 422, 429)
"""Statuses of a page that says yes or no. Any other says that something cannot be reached."""
UNSIGNED = ("/join", "/sign-in", "/join/agreement")
"""Where a page leads to that wants to know first who asks: nothing was done."""
SENT_BEFORE = "sent before with other content"


class Refusing(Refused):
    """The page says no."""

    code = "page_refused"


class Visitors:
    """A stream of people with browsers. ``step`` does one thing that one of them may do now."""

    def __init__(self, scene: Scene, doer: Doer, chance: random.Random) -> None:
        self._scene = scene
        self._doer = doer
        self._chance = chance
        self._people: list[tuple[Person, Browser]] = []

    def step(self) -> None:
        """One act of somebody. A page that cannot be got now is looked at another time."""
        try:
            if (
                not self._scene.town.full
                and len(self._people) < 40
                and all(person.stage == "joined" for person, _ in self._people)
            ):
                person = self._scene.town.newcomer()
                self._people.append((person, Browser(self._scene.portal_url, network=person.network)))
            for each in [each for each in self._people if each[0].stage == "left"]:
                self._people.remove(each)
                each[1].close()
            if self._people:
                person, browser = self._chance.choice([*self._people, self._people[-1], self._people[-1]])
                self._act(person, browser)
        except Stuck:
            time.sleep(0.2)

    def close(self) -> None:
        """Close every browser."""
        for _, browser in self._people:
            browser.close()

    def _act(self, person: Person, browser: Browser) -> None:
        match person.stage:
            case "new":
                self._reach(person, browser)
            case "asked":
                self._enter_code(person, browser)
            case "verified":
                self._agree(person, browser)
            case "joined":
                self._live(person, browser)

    # -- coming in ----------------------------------------------------------------------------

    def _reach(self, person: Person, browser: Browser) -> None:
        page = browser.get("/join")
        if page.path != "/join":  # they were signed in after all: the answer to an earlier step was lost
            person.stage = "verified"
            return
        form = page.form("/join").fill(
            alias=person.alias, channel=person.channel.value, contact=person.contact, country="US"
        )
        person.codes_seen = len(self._scene.letters.to(person.address, "code"))

        def then(_told: Facts) -> None:
            person.stage, person.asked_at = "asked", time.monotonic()

        self._press("notifications.start_verification.v1", browser, form, person, then=then, back_to="new")

    def _enter_code(self, person: Person, browser: Browser) -> None:
        letters = self._scene.letters.to(person.address, "code")[person.codes_seen :]
        if not letters:
            if time.monotonic() > person.asked_at + IMPATIENT:
                person.stage = "new"
            return
        page = browser.get("/join/code")
        if page.path != "/join/code":
            person.stage = "new"
            return
        form = page.form("/join/code").fill(code=six_digits(letters[-1]))

        def then(_told: Facts) -> None:
            person.stage = "verified"
            self._scene.town.prove(person)

        self._press("notifications.confirm_code.v1", browser, form, person, then=then, back_to="new", bad=("/join",))

    def _agree(self, person: Person, browser: Browser) -> None:
        page = browser.get("/join/agreement")
        if page.path != "/join/agreement":
            person.stage = "joined" if page.path.startswith(("/my", "/join/done")) else "new"
            return
        ticks = [f"{purpose}.{person.channel.value}" for purpose in CONSENTS]
        form = page.form("/join/agreement")
        asked: dict[str, str | list[str]] = {"role": "lived_experience", "consents": ticks, "agree": "yes"}
        if "alias" in form.names:
            asked["alias"] = person.alias
        form.fill(**{name: typed for name, typed in asked.items() if name in form.names})

        def then(_told: Facts) -> None:
            person.stage = "joined"

        self._press("registration.join.v1", browser, form, person, then=then, back_to="verified", bad=UNSIGNED)

    # -- being here ---------------------------------------------------------------------------

    def _live(self, person: Person, browser: Browser) -> None:
        coming = self._scene.town.coming(self._scene.now(), within=SOON)[:4]
        if not coming:
            return
        meeting = self._chance.choice(coming)
        if meeting.meeting_id in person.seats and self._chance.random() < LEAVING:
            self._leave(person, browser)
        elif meeting.meeting_id not in person.seats:
            self._take(person, browser, meeting)
        else:
            self._give_up(person, browser, meeting)

    def _take(self, person: Person, browser: Browser, meeting: MeetingView) -> None:
        page = browser.get(f"/meetings/{meeting.meeting_id}")
        form = next((each for each in page.forms if each.action.endswith("/seat")), None)
        if form is None:
            return
        mode = self._chance.choice(form.options.get("mode") or [form.value("mode") or "online"])
        form.fill(mode=mode)

        def then(_told: Facts) -> None:
            person.seats[meeting.meeting_id] = meeting.offers[0].mode

        self._press(
            "registration.take_seat.v1", browser, form, person, then=then, back_to=person.stage,
            bad=UNSIGNED, facts={"meeting_id": meeting.meeting_id, "mode": mode},
        )  # fmt: skip

    def _give_up(self, person: Person, browser: Browser, meeting: MeetingView) -> None:
        page = browser.get(f"/my/meetings/{meeting.meeting_id}/give-up")
        form = page.form("/give-up")

        def then(_told: Facts) -> None:
            person.seats.pop(meeting.meeting_id, None)

        self._press(
            "registration.give_up_seat.v1", browser, form, person, then=then, back_to=person.stage,
            bad=UNSIGNED, facts={"meeting_id": meeting.meeting_id},
        )  # fmt: skip

    def _leave(self, person: Person, browser: Browser) -> None:
        form = browser.get("/my/leave").form("/my/leave")

        def then(_told: Facts) -> None:
            person.stage = "left"

        self._press("registration.leave.v1", browser, form, person, then=then, back_to=person.stage, bad=UNSIGNED)

    # -- one press ----------------------------------------------------------------------------

    def _press(
        self,
        kind: str,
        browser: Browser,
        form: WebForm,
        person: Person,
        *,
        then: Callable[[Facts], None],
        back_to: str,
        bad: tuple[str, ...] = (),
        facts: Facts | None = None,
    ) -> None:
        """Send a form until a page says yes or no; ``bad`` are the paths that it leads to where nothing was done."""

        def send(_request_id: str) -> Facts:
            return _judge(*_post(browser, form), bad)

        def otherwise(_code: str) -> None:
            person.stage = back_to

        stage, person.stage = person.stage, "waits"

        def accepted(told: Facts) -> None:
            person.stage = stage
            then(told)

        act = Act(kind, send, {**(facts or {}), "page": True}, accepted, otherwise)
        act.request_id = form.value("request_id") or act.request_id
        self._doer.do(act)


def _post(browser: Browser, form: WebForm) -> tuple[str | None, Page | None]:
    """Send a form once: where it leads to, or the page that it is answered with. Raises Unknown.

    A form that leads on was taken, whether or not the page that it leads to can be got now.
    """
    pairs = form.sent(None)
    body = {name: [value for each, value in pairs if each == name] for name, _ in pairs}
    origin = {"Origin": browser._origin(form.action)}
    try:
        answer = browser._client.post(form.action, data=body, headers=origin, follow_redirects=False)
    except httpx.HTTPError as error:
        raise Unknown from error
    if answer.is_redirect:
        return urlsplit(answer.headers["location"]).path, None
    if answer.status_code not in ANSWERED:
        raise Unknown
    return None, read_page(str(answer.url), answer.status_code, answer.text)


def _judge(leads_to: str | None, page: Page | None, bad: tuple[str, ...]) -> Facts:
    """A form that was taken leads on; a refusal is shown on the form's own page."""
    if page is not None and page.says(SENT_BEFORE):
        raise PayloadDiffers(SENT_BEFORE)
    if page is not None or leads_to in bad:
        raise Refusing(page.gist() if page else str(leads_to))
    return {}
