"""Fourth part: people are asked how it was, answer, and the region reads figures that expose nobody."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from datetime import time as clock

from rich.table import Table

from services.local.life.browser import Stuck
from services.local.life.evening import code_in
from services.local.life.opening import CLOSES_AFTER, GRACE_HOURS
from services.local.life.people import hand_in
from services.local.life.post import Letter
from services.local.life.scene import Scene
from services.local.life.stage import MAIN, SECOND, THIRD

PATIENCE = 120.0
ANSWER = {MAIN.slug: 26, SECOND.slug: 9, THIRD.slug: 15}
"""How many of each chapter answer. One chapter is one person below the minimum of ten."""


def ask(scene: Scene) -> None:
    """The next morning, after the quiet hours, whoever was there is asked once."""
    tell, played = scene.teller, scene.played
    tell.act("10  How was it?")
    scene.go_to(scene.at(scene.day + timedelta(days=1), clock(9, 30)))
    asked = {slug: _asked(scene, slug, least=ANSWER[slug]) for slug in ANSWER}
    played.asked = sum(len(letters) for letters in asked.values())
    tell.say(f"{played.asked} people are asked, each with a code that works once and says nothing of them")
    slips = [(slug, letter) for slug, letters in asked.items() for letter in letters[: ANSWER[slug]]]
    scene.chance.shuffle(slips)
    handed = tell.together("slips come in", slips, lambda pair: hand_in(scene.portal, pair[1], scene.chance))
    for (slug, _), became in zip(slips, handed, strict=True):
        played.slips[slug] = played.slips.get(slug, 0) + (became == "counted")
    played.second_try = hand_in(scene.portal, slips[0][1], scene.chance)
    names = {chapter.slug: chapter.name for chapter in scene.evenings}
    words = ", ".join(f"{names[slug]} {played.slips[slug]} of {len(asked[slug])}" for slug in ANSWER)
    tell.say(f"Slips: {words}. One tries a second time: that code was used before, and nothing is counted")
    tell.note(f"{sum(played.slips.values())} slips of {played.asked} asked", f"{words}; a second try counts nothing")


def _asked(scene: Scene, slug: str, *, least: int) -> list[Letter]:
    """Who of a chapter was asked, once no more letters come."""
    addresses = {person.address for person in scene.people[slug]}
    until, quiet, before = time.monotonic() + PATIENCE, 0, -1
    while time.monotonic() < until:
        found = {letter.to: letter for letter in scene.post.of("asked") if letter.to in addresses and code_in(letter)}
        quiet = quiet + 1 if len(found) == before else 0
        before = len(found)
        if len(found) >= least and quiet >= 6:
            return [found[address] for address in sorted(found)]
        time.sleep(0.5)
    raise Stuck(f"only {before} people of {slug} were asked within {PATIENCE:.0f} s, and {least} want to answer")


def close_the_window(scene: Scene) -> None:
    """The window closes; its report is shown, with what it withholds and why."""
    tell, played, regional = scene.teller, scene.played, scene.regional
    if regional is None:
        raise Stuck("nobody of the regional staff is there")
    tell.act("11  The window closes, and the region reads")
    last = datetime.combine(scene.day + CLOSES_AFTER + timedelta(days=1), clock(0), UTC) + timedelta(hours=GRACE_HOURS)
    scene.go_to(last + timedelta(minutes=5))
    played.report = report = regional.report(scene.window)
    table = Table("of", "people who answered", "withheld, and why", show_lines=True)
    for block in report.blocks:
        table.add_row(block.name, "" if block.persons is None else f"about {block.persons}", block.withheld or "")
    tell.show(table)
    region = report.blocks[0]
    for rule in report.rules:
        tell.say(f"· {rule}")
    shown = sum(block.persons is not None for block in report.blocks[1:])
    tell.note(
        "the region's report",
        f"region {'withheld' if region.persons is None else f'about {region.persons} people'}; "
        f"{shown} of {len(report.blocks) - 1} chapters shown, each other one withheld with its reason",
    )


def one_leaves(scene: Scene) -> None:
    """Somebody who was there leaves for good: the counts stay, and nobody can tell any more who it was."""
    scene.people[MAIN.slug][-1].leave()
    scene.played.left = 1
    scene.teller.say("One leaves for good: name, address and key are erased, and an id and a day stay")
