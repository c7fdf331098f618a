"""A slip is handed in on the portal's page, in a browser that knows nobody. It has no request id: its code works once."""

from __future__ import annotations

import random
from datetime import timedelta

from services.local.life.browser import Browser, Stuck, WebForm
from shared.contracts.errors import Refused
from tests.chaos.driver.doing import Act, Doer, Facts, Unknown
from tests.chaos.driver.scene import Scene
from tests.chaos.driver.town import Given, Person

ANSWERED = (200, 422)
KIND = "feedback.submit_slip.v1"
SPELL = timedelta(days=1)


class CodeSpent(Refused):
    """The page says that the code was used before."""

    code = "code_spent"


def slip(scene: Scene, doer: Doer, chance: random.Random, person: Person, code: str) -> None:
    """Answer what was asked, once: who hands in is known to the driver alone."""
    person.answered.add(code)
    ours = scene.town.spend(code)
    answers: dict[str, int] = {}

    def send(request_id: str) -> Facts:
        try:
            with Browser(scene.portal_url) as browser:
                form = browser.get("/f").form("/f")
                if not answers:
                    answers.update(_choose(form, chance))
                typed = {f"q-{question}": str(value) for question, value in answers.items()}
                page = browser.send(form.fill(code=code, **typed), expect=ANSWERED)
        except Stuck as stuck:
            raise Unknown from stuck
        if page.says("Your answers are in"):
            return {}
        if page.says("used before"):
            if ours:  # it was taken when no answer came back, to us or to the portal, which asked again
                return {}
            raise CodeSpent("used before")
        raise Refused(page.gist())

    def then(_told: Facts) -> None:
        scene.town.hand_in(Given(person.member_id, dict(answers)))

    act = Act(KIND, send, {}, then)
    doer.do(act)


def _choose(form: WebForm, chance: random.Random) -> dict[str, int]:
    """One value for each question; five questions of five values make most slips unlike each other."""
    return {
        name.removeprefix("q-"): chance.randrange(len([each for each in options if each]))
        for name, options in form.options.items()
        if name.startswith("q-")
    }
