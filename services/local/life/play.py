"""The story from beginning to end: what `make run` plays before the reader's eyes, and a system test asserts."""

from __future__ import annotations

import json

from rich.console import Console

from services.local.books import Where, keep
from services.local.broker import BrokerFailed
from services.local.cluster import OwnBroker
from services.local.life import asking, evening, filling, opening
from services.local.life.browser import Stuck
from services.local.life.post import Post
from services.local.life.scene import PLANTED, Played, Scene, write_note
from services.local.life.signing_in import accounts_in, table_of
from services.local.life.stage import MAIN, cast
from services.local.life.telling import Teller
from services.local.network import Network, NetworkFailed
from shared.contracts.errors import Fault, Refused, Unreachable
from shared.runtime.clock import SharedClock

NOTE = "life.json"


def play(network: Network, console: Console, *, again: bool = False) -> bool:
    """Play the story, unless this folder has seen it; say where to look, and how to sign in. Whether all is well."""
    edition, finished = _played_before(network)
    well = True
    if edition == 0 or again:
        try:
            played = Story(network, console, edition=edition + 1).play()
            well = played.books
        except (Stuck, NetworkFailed, BrokerFailed, Refused, Fault, Unreachable) as stopped:
            console.print(f"The story stopped: {stopped}", style="bold red", markup=False, highlight=False)
            console.print(f"The network stays up; its logs are in {network.folder / 'log'}.", highlight=False)
            well = False
    elif finished:
        console.print("The life of a meeting was played here before; its people and seats are still there.")
        console.print("To play it once more, with other people: chapterhouse run --play-again", highlight=False)
    else:
        console.print("The life that was begun here was not played to its end; its data are kept.")
        console.print("To play it anew, with other people: chapterhouse run --play-again", highlight=False)
    say_how_to_go_on(network, console)
    return well


def say_how_to_go_on(network: Network, console: Console) -> None:
    """Where to look, and how to sign in."""
    accounts = accounts_in(network.folder)
    console.print()
    console.print(f"Admin app, for staff: {network.url('admin')}", highlight=False)
    if accounts:
        console.print(table_of(accounts))
        console.print("Codes change every half minute; `chapterhouse sign-in` shows them anew.", highlight=False)
    console.print(f"Portal, for members:  {network.url('portal')}", highlight=False)
    if accounts:
        someone = cast(1)[MAIN.slug][0].address
        console.print(
            f"  Sign in as one of them, for example {someone}; the code comes to the page below.", highlight=False
        )
    console.print(f"What arrived:         {network.url('sink')}", highlight=False)


class Story:
    """One edition of the story: the same acts, other people."""

    def __init__(self, network: Network, console: Console, *, edition: int = 1) -> None:
        self.scene = Scene(network, Teller(console), edition, Post(network.around.sink_log))

    def play(self) -> Played:
        """Play all acts. Raises Stuck, with the place where it stopped."""
        scene = self.scene
        write_note(scene.network.folder, NOTE, {"edition": scene.edition, "finished": False})
        try:
            self._acts(scene)
        finally:
            scene.leave()
        scene.count_slips()
        scene.played.books = keep_books(scene.network, scene.teller)
        scene.played.seconds = scene.teller.seconds
        write_note(scene.network.folder, NOTE, {"edition": scene.edition, "finished": True})
        scene.teller.end()
        return scene.played

    def _acts(self, scene: Scene) -> None:
        scene.enter()
        scene.begin_at_ten()
        opening.open_the_region(scene)
        opening.bring_staff(scene)
        opening.schedule(scene)
        filling.join(scene)
        filling.die_in_the_middle(scene)
        filling.count_seats(scene)
        filling.give_up(scene)
        evening.remind(scene)
        evening.some_fall_silent(scene)
        evening.shut_the_venue(scene)
        evening.meet(scene)
        asking.ask(scene)
        asking.close_the_window(scene)
        asking.one_leaves(scene)


def keep_books(network: Network, teller: Teller) -> bool:
    """Have the books kept, by code that shares nothing with the services. Whether every line balances."""
    teller.act("12  The books")
    node = network.broker
    where = Where(
        folder=network.folder,
        database_url=network.database("{service}"),
        broker_url=node.url,
        sink_log=network.around.sink_log,
        planted=network.folder / "run" / PLANTED,
        ctl=node.ctl if isinstance(node, OwnBroker) else None,
    )
    balanced = keep(where, teller.console, SharedClock(network.around.clock_file).now)
    teller.note("the books", "every line balances" if balanced else "a line does not balance: see above")
    return balanced


def _played_before(network: Network) -> tuple[int, bool]:
    """The edition that was played last (0 = none), and whether it was played to its end."""
    try:
        note = json.loads((network.folder / "run" / NOTE).read_text())
    except (OSError, ValueError):
        return 0, False
    return int(note["edition"]), bool(note["finished"])
