"""A desk of the admin app: what staff ask for leaves from here, written down before it does."""

from __future__ import annotations

from typing import Any

from shared.contracts.base import REQUESTS, Actor, Command, Role
from shared.contracts.meetings import ScheduleSeries
from tests.chaos.driver.bridge import Signer
from tests.chaos.driver.doing import Act, Doer, Facts
from tests.chaos.driver.scene import Scene

OPERATOR = Actor(role=Role.OPERATOR, id="operator")


class Desk:
    """Sends one thread's commands."""

    def __init__(self, scene: Scene, doer: Doer) -> None:
        self.scene = scene
        self._doer = doer

    def ask(
        self, command: Command[Any], actor: Actor, answer: str = "", then: Any = None, *, facts: Any = None
    ) -> None:
        """Ask for a change. ``answer`` is the part of what comes back that is written down; ``then`` hears it."""
        signer: Signer = "operator" if actor is OPERATOR else "admin"

        def send(request_id: str) -> Facts:
            view = self.scene.bridge.send(signer, command, actor, request_id)
            told = {answer: getattr(view, answer)} if answer else {}
            return told | ({"meetings": len(view.meetings)} if isinstance(command, ScheduleSeries) else {})

        assert command.type in REQUESTS
        self._doer.do(Act(command.type, send, facts or {}, then or (lambda _told: None)))
