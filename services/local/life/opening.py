"""First act: the operator makes the region, staff accept their invitations, evenings are scheduled."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from services.admin.accounts import Book
from services.local.life.browser import Stuck
from services.local.life.people import find_meeting
from services.local.life.scene import Scene
from services.local.life.signing_in import keep_accounts
from services.local.life.staff import Account, Coordinator, Regional, accept
from services.local.life.stage import LIST, MAIN, REGION, SECOND, THIRD
from services.operator.setting_up import import_slices, read_list
from services.operator.talking import OPERATOR
from shared.contracts.base import Role
from shared.contracts.meetings import FoundRegion, ListChapters, OpenChapter, RowOutcome
from shared.gateway.client import Client
from shared.runtime.ids import new_id
from shared.runtime.keys import load_keys

T = TypeVar("T")

CLOSES_AFTER = timedelta(days=2)
"""The feedback window closes two days after the evenings, and takes answers for one more."""
GRACE_HOURS = 24


def open_the_region(scene: Scene) -> None:
    """Region, chapters and a list of meetings, as the command line makes them."""
    tell = scene.teller
    tell.act("1  A region opens")
    scene.chapters = _as_operator(scene, _found)
    tell.say(f"{REGION[0]}: chapters {', '.join(chapter.name for chapter in scene.evenings)}")
    if scene.edition == 1:
        scene.played.rows_imported = _as_operator(scene, _import_list)
        words = ", ".join(f"{count} {outcome}" for outcome, count in scene.played.rows_imported.items())
        tell.say(f"A Meeting Guide list of {sum(scene.played.rows_imported.values())} rows: {words}")
        tell.note("chapters and a list of meetings", words)


def _as_operator(scene: Scene, say: Callable[[Client], Awaitable[T]]) -> T:
    async def run() -> T:
        keys = load_keys(scene.network.around.keys, "operator")
        async with Client(scene.network.broker.url, keys) as client:
            return await say(client)

    return asyncio.run(run())


async def _found(client: Client) -> dict[str, str]:
    name, slug = REGION
    region = await client.send(FoundRegion(name=name, slug=slug), OPERATOR, request_id=new_id())
    known = {each.slug: each.chapter_id for each in (await client.ask(ListChapters(), OPERATOR)).chapters}
    for chapter in (MAIN, SECOND, THIRD):
        if chapter.slug not in known:
            command = OpenChapter(
                region_id=region.region_id, name=chapter.name, slug=chapter.slug, time_zone=chapter.time_zone
            )
            known[chapter.slug] = (await client.send(command, OPERATOR, request_id=new_id())).chapter_id
    return {chapter.slug: known[chapter.slug] for chapter in (MAIN, SECOND, THIRD)}


async def _import_list(client: Client) -> dict[str, int]:
    chapters = (await client.ask(ListChapters(), OPERATOR)).chapters
    target = next(each.chapter_id for each in chapters if each.slug == MAIN.slug)
    counts: Counter[str] = Counter()
    async for part in import_slices(client, target, read_list(LIST)):
        counts.update(row.outcome.value for row in part)
    return {outcome.value: counts[outcome.value] for outcome in RowOutcome if counts[outcome.value]}


def bring_staff(scene: Scene) -> None:
    """Two coordinators and one of the regional staff accept their invitations."""
    tell = scene.teller
    tell.act("2  Staff come in")
    keys = load_keys(scene.network.around.keys, "admin")
    book = Book.open(scene.network.database("admin"), keys)
    mark = "" if scene.edition == 1 else f".{scene.edition}"

    def invited(role: Role, slugs: tuple[str, ...], shown: str, user: str) -> tuple[Account, Coordinator | Regional]:
        token = book.create_invitation(role, [scene.chapters[slug] for slug in slugs])
        account, browser = accept(scene.admin, f"/invitation/{token}", shown, user + mark)
        kind = Regional if role is Role.REGIONAL else Coordinator
        return account, kind(scene.admin, account, browser)

    robin, of_main = invited(Role.COORDINATOR, (MAIN.slug,), "Robin", "robin")
    kit, of_others = invited(Role.COORDINATOR, (SECOND.slug, THIRD.slug), "Kit", "kit")
    sasha, regional = invited(Role.REGIONAL, (), "Sasha", "sasha")
    if not (isinstance(of_main, Coordinator) and isinstance(of_others, Coordinator) and isinstance(regional, Regional)):
        raise Stuck("an invitation led to another role than it was for")
    scene.coordinators = {MAIN.slug: of_main, SECOND.slug: of_others, THIRD.slug: of_others}
    scene.regional = regional
    accounts = {f"coordinator of {MAIN.name}": robin, "coordinator of the others": kit, "regional staff": sasha}
    once_more = "" if scene.edition == 1 else f", {scene.edition}"
    keep_accounts(scene.network.folder, {f"{who}{once_more}": account for who, account in accounts.items()})
    tell.say("Robin and Kit coordinate, Sasha is regional staff: each with a password and an authenticator app")
    tell.note("three accounts, by invitation", "password and time-based code, recovery codes shown once")


def schedule(scene: Scene) -> None:
    """Groups, places, a weekly series each, and a feedback window."""
    tell = scene.teller
    tell.act("3  Evenings are scheduled")
    with tell.bar("chapters", len(scene.evenings)) as step:
        for chapter in scene.evenings:
            chapter_id, coordinator = scene.chapters[chapter.slug], scene.coordinators[chapter.slug]
            coordinator.furnish(chapter, chapter_id)
            shown = coordinator.schedule(chapter, chapter_id, scene.day)
            tell.say(f"{chapter.name}, {chapter.group}: every week, first {shown}")
            step()
    for chapter in scene.evenings:
        scene.meetings[chapter.slug] = find_meeting(scene.portal, chapter.group, chapter.slug)
    regional = scene.regional
    if regional is None:
        raise Stuck("nobody of the regional staff is there")
    scene.window = f"{scene.day:%B %Y}, {scene.edition}"
    regional.open_window(scene.window, scene.day + CLOSES_AFTER, GRACE_HOURS)
    scene.played.regional_saw_a_person = regional.sees_a_person(scene.meetings[MAIN.slug])
    places = ", ".join(f"{count} {mode.value.replace('_', ' ')}" for mode, count in MAIN.places.items())
    tell.say(f"The evening of {MAIN.name} has places: {places}. A feedback window is open")
    tell.note("three weekly series, dates seen before", f"{MAIN.name}: {places}")
