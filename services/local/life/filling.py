"""Second part: people join and take places; a service dies with events in its hands; two give up, two get their places."""

from __future__ import annotations

import time

from services.local.life import killing
from services.local.life.browser import Stuck
from services.local.life.people import Person
from services.local.life.scene import SETTLING, Scene
from services.local.life.stage import MAIN, SECOND, THIRD
from shared.contracts.base import Mode

BEFORE = 24
"""So many of the forty come before the service is killed; the rest take their places while it is dead."""
VICTIM = "notifications"


def join(scene: Scene) -> None:
    """People join: reach, code, agreement, place. Sixteen of the forty join first, and choose an evening later."""
    tell = scene.teller
    tell.act("4  People join")
    forty = scene.people[MAIN.slug]
    early, late = forty[:BEFORE], forty[BEFORE:]
    evening = scene.meetings
    tell.together("join and take places", early, lambda person: person.come_to(evening[MAIN.slug]))
    tell.together("join without a meeting in mind", late, lambda person: person.join())
    others = [(slug, person) for slug in (SECOND.slug, THIRD.slug) for person in scene.people[slug]]
    tell.together("join in the other chapters", others, lambda pair: pair[1].come_to(evening[pair[0]]))
    scene.played.joined = len(list(scene.everybody()))
    texts = sum(not person.by_mail for person in scene.everybody())
    tell.say(f"{scene.played.joined} people have joined, {texts} by text, each by a code that the sink received")
    tell.note(f"{scene.played.joined} people join, {texts} of them by text", "codes verified, agreement accepted")


def die_in_the_middle(scene: Scene) -> None:
    """Sixteen take places while notifications is frozen; it is killed with their events in its hands, and comes back."""
    tell, played = scene.teller, scene.played
    tell.act(f"5  {VICTIM.capitalize()} is killed with events in its hands")
    late = scene.people[MAIN.slug][BEFORE:]
    evening = scene.meetings[MAIN.slug]
    # Whoever was sent something has been told of it: what the kill catches are events, and not a mail half gone.
    scene.network.advance(1, within=SETTLING)
    killing.freeze(scene.network, VICTIM)
    tell.together("take places meanwhile", late, lambda person: person.take_place(evening), at_once=len(late))
    played.unacked = killing.unacknowledged(scene.network, VICTIM, at_least=len(late))
    with tell.bar("SIGKILL, and up again", 1) as step:
        killing.kill(scene.network, VICTIM)
        step()
    played.redelivered = killing.wait_redelivered(scene.network, VICTIM)
    news = {
        **scene.post.wait_all([person.address for person in late if not person.waiting], "confirmed"),
        **scene.post.wait_all([person.address for person in late if person.waiting], "waiting"),
    }
    played.news_after_kill = len(news)
    unacked = "not known of a broker that is not ours" if played.unacked is None else f"{played.unacked} unacknowledged"
    tell.say(
        f"At the kill: {unacked}. Afterwards: {played.redelivered} given out again, {len(news)} people told, once each"
    )
    tell.note("SIGKILL while people take places", f"{unacked} before, {played.redelivered} redelivered after")


def count_seats(scene: Scene) -> None:
    """Everybody's news has arrived, and the coordinator's page agrees."""
    played = scene.played
    for slug in scene.people:
        people = scene.people[slug]
        scene.post.wait_all([person.address for person in people if not person.waiting], "confirmed")
        scene.post.wait_all([person.address for person in people if person.waiting], "waiting")
    seats = scene.coordinators[MAIN.slug].seats(scene.meetings[MAIN.slug])
    played.in_room, places, played.in_line = seats["In the room"]
    played.online, _, _ = seats["Online"]
    scene.teller.say(f"In the room {played.in_room} of {places}, {played.in_line} in line; online {played.online}")
    scene.teller.note("forty seats", f"{played.in_room} in the room, {played.in_line} in line, {played.online} online")


def give_up(scene: Scene) -> None:
    """Two who had a place in the room give it up; the next in line get it, and are told."""
    tell, played = scene.teller, scene.played
    tell.act("6  Two give up, two get their places")
    evening, forty = scene.meetings[MAIN.slug], scene.people[MAIN.slug]
    in_room = [person for person in forty if person.role.mode is Mode.IN_PERSON]
    leaving = [person for person in in_room if not person.waiting][:2]
    in_line = [person for person in in_room if person.waiting]
    if len(leaving) < 2 or len(in_line) < 2:
        raise Stuck(f"{len(leaving)} could give up and {len(in_line)} are in line; the story needs two of each")
    for person in leaving:
        person.give_up(evening)
        scene.gone.add(person.role.alias)
    scene.post.wait_all([person.address for person in leaving], "released")
    promoted = _promoted(scene, in_line, len(leaving))
    for person in promoted:
        person.look(evening)
    played.promoted = sum(not person.waiting for person in promoted)
    tell.say(f"{played.promoted} came up from the line by themselves, and were told")
    tell.note("two give up", f"{played.promoted} promoted, {len(in_line) - played.promoted} still in line")


def _promoted(scene: Scene, in_line: list[Person], most: int) -> list[Person]:
    """Who of the line has been told of a place; waits until so many have."""
    until = time.monotonic() + killing.PATIENCE
    while True:
        told = [person for person in in_line if scene.post.to(person.address, "promoted")]
        if len(told) >= most or time.monotonic() > until:
            return told
        time.sleep(0.25)
