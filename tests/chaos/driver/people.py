"""Members by command, as the portal would send them: join, take a seat, attend otherwise, give up, change their mind."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import timedelta

import httpx

from services.local.programs import SMS_FROM
from shared.contracts.base import Actor, Channel, MeetingId, MemberId, Mode, Role
from shared.contracts.meetings import MeetingView
from shared.contracts.notifications import ConfirmCode, Discretion, Preferences, SetPreferences, StartVerification
from shared.contracts.registration import (
    ConsentChoice,
    DecideConsents,
    GiveUpSeat,
    Join,
    Leave,
    Purpose,
    RoleInAttending,
    SeatView,
    SwitchMode,
    TakeSeat,
)
from tests.chaos.driver.doing import Act, Doer, Facts, Unknown
from tests.chaos.driver.letters import six_digits, slip_code
from tests.chaos.driver.scene import Scene
from tests.chaos.driver.slips import slip
from tests.chaos.driver.town import Person

VISITOR = Actor(role=Role.VISITOR)
IMPATIENT = 40.0
"""Seconds after which somebody who got no code asks for another."""
SOON = timedelta(days=4)
LEAVING = 0.05
"""How often somebody who holds a place, and would change or give one up, leaves for good instead."""


class Members:
    """One stream of people. ``step`` does one thing that one of them may do now."""

    def __init__(self, scene: Scene, doer: Doer, chance: random.Random) -> None:
        self._scene = scene
        self._doer = doer
        self._chance = chance
        self._coming: list[Person] = []  # who has not joined yet
        self._here: list[Person] = []

    def step(self) -> None:
        """One act of somebody; nothing where nobody can do anything at this moment."""
        chance = self._chance
        if self._coming and chance.random() < 0.6:
            self._come_in(chance.choice(self._coming))
        elif len(self._coming) < 4 and not self._scene.town.full and chance.random() < 0.35:
            self._coming.append(self._scene.town.newcomer())
        elif self._here:
            self._live(chance.choice(self._here))

    # -- coming in ----------------------------------------------------------------------------

    def _come_in(self, person: Person) -> None:
        match person.stage:
            case "new":
                self._ask_for_code(person)
            case "asked":
                self._enter_code(person)
            case "verified":
                self._join(person)

    def _ask_for_code(self, person: Person) -> None:
        bridge = self._scene.bridge
        command = StartVerification(
            channel=person.channel, contact=bridge.seal("notifications", person.contact), country="US"
        )

        def send(request_id: str) -> Facts:
            return {"verification_id": bridge.send("portal", command, VISITOR, request_id).verification_id}

        def then(told: Facts) -> None:
            person.verification_id, person.stage, person.asked_at = told["verification_id"], "asked", time.monotonic()

        person.stage = "waits"
        person.codes_seen = len(self._scene.letters.to(person.address, "code"))
        self._doer.do(Act(command.type, send, {}, then, self._back(person, "new")))

    def _enter_code(self, person: Person) -> None:
        letters = self._scene.letters.to(person.address, "code")[person.codes_seen :]
        if not letters:
            if time.monotonic() > person.asked_at + IMPATIENT:
                person.stage = "new"
            return
        bridge = self._scene.bridge
        command = ConfirmCode(
            verification_id=person.verification_id,
            code=bridge.seal("notifications", six_digits(letters[-1])),
            member_id=MemberId(person.member_id),
        )

        def send(request_id: str) -> Facts:
            answer = bridge.send("portal", command, VISITOR, request_id)
            return {"member_id": answer.member_id, "known": answer.known}

        def then(told: Facts) -> None:
            person.member_id, person.stage = told["member_id"], "verified"
            self._scene.town.prove(person)

        person.stage = "waits"
        facts = {"verification_id": person.verification_id, "member_id": person.member_id}
        self._doer.do(Act(command.type, send, facts, then, self._back(person, "new")))

    def _join(self, person: Person) -> None:
        bridge, chance = self._scene.bridge, self._chance
        command = Join(
            alias=bridge.seal("registration", person.alias),
            role_in_attending=chance.choice(list(RoleInAttending)),
            agreement_version=self._scene.agreement,
            consents=tuple(
                ConsentChoice(purpose=purpose, channel=person.channel, granted=chance.random() < 0.9)
                for purpose in Purpose
            ),
        )

        def send(request_id: str) -> Facts:
            bridge.send("portal", command, person.actor, request_id)
            return {}

        def then(_told: Facts) -> None:
            person.stage = "joined"
            self._coming.remove(person)
            self._here.append(person)
            self._scene.town.joined.append(person)

        person.stage = "waits"
        self._doer.do(Act(command.type, send, {"member_id": person.member_id}, then, self._back(person, "verified")))

    def _back(self, person: Person, stage: str) -> Callable[[str], None]:
        def otherwise(_code: str) -> None:
            person.stage = stage

        return otherwise

    # -- being here ---------------------------------------------------------------------------

    def _live(self, person: Person) -> None:
        asked = [each for each in self._scene.letters.to(person.address, "asked") if slip_code(each)]
        fresh = [each for each in asked if slip_code(each) not in person.answered]
        if fresh:
            slip(self._scene, self._doer, self._chance, person, slip_code(fresh[0]))
            return
        coming = self._scene.town.coming(self._scene.now(), within=SOON)[:6]
        if not coming or self._scene.town.calm:
            return
        held = [each for each in coming if each.meeting_id in person.seats]
        free = [each for each in coming if each.meeting_id not in person.seats]
        draw = self._chance.random()
        if free and (draw < 0.6 or not held):
            self._take(person, free[0] if self._chance.random() < 0.7 else self._chance.choice(free))
        elif held and self._chance.random() < LEAVING:
            self._leave(person)
        elif held and draw < 0.78:
            self._switch(person, self._chance.choice(held))
        elif held and draw < 0.9:
            self._give_up(person, self._chance.choice(held))
        elif draw < 0.94:
            self._decide(person)
        elif draw < 0.98 or person.channel is not Channel.SMS:
            self._prefer(person)
        else:
            self._stop(person)

    def _take(self, person: Person, meeting: MeetingView) -> None:
        mode = self._chance.choice([offer.mode for offer in meeting.offers] or [Mode.ONLINE])
        self._doer.do(take(self._scene, person, meeting, mode))

    def _switch(self, person: Person, meeting: MeetingView) -> None:
        mode = self._chance.choice([offer.mode for offer in meeting.offers] or [Mode.ONLINE])
        command = SwitchMode(meeting_id=MeetingId(meeting.meeting_id), mode=mode, or_wait=self._chance.random() < 0.5)

        def send(request_id: str) -> Facts:
            return _told(self._scene.bridge.send("portal", command, person.actor, request_id))

        def then(told: Facts) -> None:
            person.seats[meeting.meeting_id] = Mode(told["mode"])

        self._doer.do(Act(command.type, send, _of(person, meeting) | {"mode": mode.value}, then))

    def _give_up(self, person: Person, meeting: MeetingView) -> None:
        command = GiveUpSeat(meeting_id=MeetingId(meeting.meeting_id))

        def send(request_id: str) -> Facts:
            self._scene.bridge.send("portal", command, person.actor, request_id)
            return {}

        def then(_told: Facts) -> None:
            person.seats.pop(meeting.meeting_id, None)

        self._doer.do(Act(command.type, send, _of(person, meeting), then))

    def _decide(self, person: Person) -> None:
        choice = ConsentChoice(
            purpose=self._chance.choice(list(Purpose)), channel=person.channel, granted=self._chance.random() < 0.7
        )
        command = DecideConsents(choices=(choice,))

        def send(request_id: str) -> Facts:
            self._scene.bridge.send("portal", command, person.actor, request_id)
            return {}

        facts = {"member_id": person.member_id, "purpose": choice.purpose.value, "channel": choice.channel.value}
        self._doer.do(Act(command.type, send, facts | {"granted": choice.granted}))

    def _leave(self, person: Person) -> None:
        """For good: nobody asks anything of them from now on, whenever the answer comes."""
        command = Leave()
        self._here.remove(person)
        self._scene.town.leave(person)

        def send(request_id: str) -> Facts:
            self._scene.bridge.send("portal", command, person.actor, request_id)
            return {}

        self._doer.do(Act(command.type, send, {"member_id": person.member_id}))

    def _prefer(self, person: Person) -> None:
        command = SetPreferences(
            preferences=Preferences(discretion=self._chance.choice(list(Discretion)), time_zone="America/Chicago")
        )

        def send(request_id: str) -> Facts:
            self._scene.bridge.send("portal", command, person.actor, request_id)
            return {}

        self._doer.do(Act(command.type, send, {"member_id": person.member_id}))

    def _stop(self, person: Person) -> None:
        """STOP by text: the provider calls back, as often as it takes; the text's id is the request's."""

        def send(request_id: str) -> Facts:
            text = {"to": SMS_FROM, "sender": person.address, "body": "STOP", "sid": _sid(request_id)}
            try:
                answer = httpx.post(
                    f"{self._scene.sink_url}/api/inbound", json=text, timeout=30, trust_env=False
                ).json()
            except (httpx.HTTPError, ValueError) as error:
                raise Unknown from error
            if answer.get("answered") not in (200, 204):
                raise Unknown
            return {"sid": text["sid"]}

        def then(_told: Facts) -> None:
            person.silent = True

        if not person.silent:
            self._doer.do(Act("stop", send, {"member_id": person.member_id}, then))


def take(scene: Scene, person: Person, meeting: MeetingView, mode: Mode) -> Act:
    """Somebody asks for a place at a meeting, in this mode."""
    command = TakeSeat(meeting_id=MeetingId(meeting.meeting_id), mode=mode)

    def send(request_id: str) -> Facts:
        return _told(scene.bridge.send("portal", command, person.actor, request_id))

    def then(told: Facts) -> None:
        person.seats[meeting.meeting_id] = Mode(told["mode"])

    return Act(command.type, send, _of(person, meeting) | {"mode": mode.value}, then)


def _sid(request_id: str) -> str:
    return "SM" + request_id.replace("-", "")


def _of(person: Person, meeting: MeetingView) -> Facts:
    return {"member_id": person.member_id, "meeting_id": meeting.meeting_id}


def _told(seat: SeatView) -> Facts:
    return {
        "seat_id": seat.seat_id,
        "mode": seat.mode.value,
        "state": seat.state.value,
        "place": seat.place_in_line,
    }
