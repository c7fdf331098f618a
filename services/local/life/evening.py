"""Third part: reminders, a shut venue, the evening itself, and who was there."""

from __future__ import annotations

import re
import time
from datetime import time as clock
from datetime import timedelta

import httpx
from rich.table import Table

from services.local.life.browser import Stuck
from services.local.life.people import Person
from services.local.life.post import Letter
from services.local.life.scene import Scene
from services.local.life.stage import MAIN, SECOND, THIRD, WALK_IN, Chapter
from shared.contracts.base import Mode

PATIENCE = 120.0
ATTEND = {MAIN.slug: 34, SECOND.slug: 12, THIRD.slug: 20}
"""How many of each chapter come."""


def remind(scene: Scene) -> None:
    """A day before, whoever holds a place is reminded of it, with what they need and nothing else."""
    tell, played = scene.teller, scene.played
    tell.act("7  Reminders leave")
    scene.go_to(scene.at(scene.day - timedelta(days=1), clock(19, 40)))
    for slug, people in scene.people.items():
        chapter = next(each for each in scene.evenings if each.slug == slug)
        holding = [person for person in people if not person.waiting and person.role.alias not in scene.gone]
        letters = scene.post.wait_all([person.address for person in holding], "reminder")
        for person in holding:
            good = _has_what_is_needed(letters[person.address], person, chapter)
            key = "the address" if person.role.mode is Mode.IN_PERSON else "the link"
            played.reminded[key] = played.reminded.get(key, 0) + good
            played.wrong_reminders += not good
    idle = [p for p in scene.people[MAIN.slug] if p.waiting or p.role.alias in scene.gone]
    played.wrong_reminders += sum(bool(scene.post.to(person.address, "reminder")) for person in idle)
    words = ", ".join(f"{count} with {what}" for what, count in played.reminded.items())
    tell.say(f"{words}; none with both, none to who has no place")
    tell.note("reminders, a day before", words)


def _has_what_is_needed(letter: Letter, person: Person, chapter: Chapter) -> bool:
    address, link = chapter.place.address in letter.text, chapter.place.link in letter.text
    return (address and not link) if person.role.mode is Mode.IN_PERSON else (link and not address)


def some_fall_silent(scene: Scene) -> None:
    """One answers STOP to a text, one presses unsubscribe in a mail. Both keep their places."""
    tell = scene.teller
    forty = [p for p in scene.people[MAIN.slug] if not p.waiting and p.role.alias not in scene.gone]
    texting = next(person for person in forty if not person.by_mail)
    mailing = next(person for person in forty if person.by_mail and person.role.mode is Mode.ONLINE)
    answer = httpx.post(
        f"{scene.network.url('sink')}/api/inbound",
        json={"to": "+15005550006", "sender": texting.address, "body": "STOP"},
        timeout=30,
        trust_env=False,
    )
    if answer.status_code != httpx.codes.OK or answer.json().get("answered") != httpx.codes.OK:
        raise Stuck(f"the text STOP was answered {answer.text[:100]}")
    mailing.unsubscribe(scene.post.wait(mailing.address, "confirmed"))
    scene.silent = {texting.role.alias, mailing.role.alias}
    tell.say("One texts STOP, one unsubscribes from news of changes; both keep their places")
    tell.note("one STOP, one unsubscribe", "obeyed at once; the coordinator will see whom to call")


def shut_the_venue(scene: Scene) -> None:
    """A pipe has burst: everybody meets online, is told, and their calendars say so."""
    tell, played = scene.teller, scene.played
    tell.act("8  The venue is shut: everybody online")
    scene.go_to(scene.at(scene.day, clock(17, 25)))
    coordinator, evening = scene.coordinators[MAIN.slug], scene.meetings[MAIN.slug]
    before = {
        letter.to: letter for kind in ("confirmed", "promoted") for letter in scene.post.of(kind) if letter.is_mail
    }
    played.people_in_button, button, told = coordinator.shut_venue(evening)
    tell.say(f"The button said: {button}")
    played.told, played.told_due, played.not_reached = coordinator.told(told)
    held = [p for p in scene.people[MAIN.slug] if p.role.alias not in scene.gone]
    reached = [p for p in held if p.role.alias not in scene.silent]
    letters = scene.post.wait_all([person.address for person in reached], "changed")
    _check_calendars(scene, letters, before)
    seats = coordinator.seats(evening)
    played.moved = seats["Online"][0]
    tell.say(f"{played.told} of {played.told_due} reached, {played.moved} people online now, nobody in line any more")
    table = Table("not reached", "why", "next step", title_justify="left")
    for row in played.not_reached:
        table.add_row(*row)
    tell.show(table)
    tell.say(f"{played.calendars_risen} of {played.calendars} calendar entries updated: same UID, higher SEQUENCE")
    tell.note("venue shut, tonight online", f"{played.told} of {played.told_due} told, {played.moved} moved")
    tell.note(
        "their calendars", f"{played.calendars_risen} of {played.calendars} entries replaced (REQUEST, SEQUENCE up)"
    )
    scene.go_to(scene.at(scene.day, clock(18, 40)))
    from_room = next(p for p in reached if p.role.mode is Mode.IN_PERSON)
    page = from_room.look(evening)
    played.link_seen = any(address == MAIN.place.link for address, _ in page.links)
    tell.say("Shortly before, somebody who had a place in the room finds the link on their page")


def _check_calendars(scene: Scene, letters: dict[str, Letter], before: dict[str, Letter]) -> None:
    """The entry that the change brings must take the place of the one that the seat brought (RFC 5546, 3.2.2)."""
    played = scene.played
    for letter in letters.values():
        if not letter.is_mail:
            continue
        played.calendars += 1
        first = before.get(letter.to)
        fresh = letter.method == "REQUEST" and letter.uid != ""
        played.calendars_risen += fresh and (
            first is None or (letter.uid == first.uid and letter.sequence > first.sequence)
        )


def meet(scene: Scene) -> None:
    """The evenings take place and end by themselves; coordinators take attendance, and somebody came without a seat."""
    tell, played = scene.teller, scene.played
    tell.act("9  The evening, and who was there")
    scene.go_to(scene.at(scene.day, clock(20, 55)))
    for slug, meeting in scene.meetings.items():
        _wait_for_end(scene, slug, meeting)
    with tell.bar("sheets", len(scene.meetings)) as step:
        for slug, meeting in scene.meetings.items():
            coordinator = scene.coordinators[slug]
            held = [person.role.alias for person in scene.people[slug] if person.role.alias not in scene.gone]
            come = sorted(held, key=lambda alias: alias not in scene.silent)[: ATTEND[slug]]
            taps = coordinator.take_attendance(meeting, set(come))
            if slug == MAIN.slug:
                coordinator.add_walk_in(meeting, WALK_IN, "online")
                played.walk_ins = 1
            here, _ = coordinator.close_sheet(meeting)
            played.attended[slug] = here
            if taps != ATTEND[slug]:
                raise Stuck(f"{taps} of {ATTEND[slug]} people stood on the sheet of {slug}")
            step()
    members = sum(played.attended.values()) - played.walk_ins
    tell.say(f"{members} members were there, and one who came without a seat, a phone or an address")
    tell.note("attendance, one tap each", f"{members} members and {played.walk_ins} walk-in; sheets closed")


def _wait_for_end(scene: Scene, slug: str, meeting: str) -> None:
    until = time.monotonic() + PATIENCE
    while not scene.coordinators[slug].is_over(meeting):
        if time.monotonic() > until:
            raise Stuck(f"the meeting of {slug} has not ended by itself")
        time.sleep(0.5)


def code_in(letter: Letter) -> bool:
    """Whether it holds a code for the form."""
    return bool(re.search(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b", letter.text))
