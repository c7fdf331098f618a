"""Keeping the books: wait until nothing is unsettled, read everything, say of each line whether it balances."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.local.books import broker, hearing, leaving, notices, seats, secrecy, slips
from services.local.books.line import Line
from services.local.books.notices import Arrived
from services.local.books.reading import UNSENT, Databases
from services.local.books.where import SERVICES, Planted, Unreadable, Where

Now = Callable[[], datetime]
LOOK_EVERY = 0.5
"""Seconds between two looks. Two in a row must find nothing unsettled."""


def keep(where: Where, console: Console, now: Now) -> bool:
    """Print the books of this network, and say whether all lines balance.

    ``now`` is domain time. A line that does not balance is read once more before it is believed; what differs is
    named by opaque ids. What cannot be read at all is said in a sentence, and the books then do not balance.
    """
    try:
        waiting = settle(where, now)
        read = list(lines(where, now))
        if not all(line.balances for line in read) and where.again_after:
            time.sleep(where.again_after)
            read = list(lines(where, now))
    except Unreadable as error:
        console.print(f"[bold red]The books cannot be kept:[/] {escape(str(error))}")
        return False
    if waiting:
        console.print(f"[yellow]After {where.patience:.0f} seconds this was still unsettled:[/]")
        for each in waiting[:10]:
            console.print(f"  {escape(each)}")
    show(read, console)
    return all(line.balances for line in read)


def settle(where: Where, now: Now) -> list[str]:
    """Wait until nothing is unsettled; what still is when patience ends."""
    until, quiet = time.monotonic() + where.patience, 0
    while True:
        found = unsettled(where, now)
        quiet = 0 if found else quiet + 1
        if quiet == 2 or time.monotonic() > until:
            return found
        time.sleep(LOOK_EVERY)


def unsettled(where: Where, now: Now) -> list[str]:
    """What is still on its way: in a queue, in an outbox, or a notice that is due.

    rabbitmqctl costs a second, so it is asked only when nothing else is left.
    """
    found = broker.unsettled(broker.ready(where))
    with Databases(where) as databases:
        for service in SERVICES:
            unsent = databases[service].column(UNSENT)
            found += [f"an event of {service} has not left: {event_id}" for event_id in unsent]
        found += notices.unsettled(databases["notifications"], now())
    return found or broker.unsettled(broker.queues(where))


def lines(where: Where, now: Now) -> Iterator[Line]:
    """Every line of the books, read at this moment."""
    planted, arrived = Planted.read(where.planted), Arrived.read(where.sink_log)
    yield from broker.lines(where, broker.queues(where))
    with Databases(where) as databases:
        yield from hearing.lines(databases, where.strangers)
        yield from notices.lines(databases, arrived, now())
        yield from seats.lines(databases)
        yield from leaving.lines(databases)
        yield from slips.lines(databases, planted, now())
        yield from secrecy.lines(where, databases, planted, arrived)


def show(read: list[Line], console: Console) -> None:
    """One row a line, and below it what differs."""
    table = Table(title="The books", title_style="bold", pad_edge=False)
    for name in ("", "What", "One side", "The other"):
        table.add_column(name, overflow="fold")
    for line in read:
        mark = "[green]=[/]" if line.balances else "[bold red]≠[/]"
        table.add_row(mark, escape(line.what), escape(line.left), escape(line.right))
    console.print(table)
    for line in read:
        if line.balances:
            continue
        console.print(f"[bold red]{escape(line.what)}[/]: {line.count} differ")
        for each in line.wrong:
            console.print(f"  {escape(each)}", soft_wrap=True)
        if line.count > len(line.wrong):
            console.print(f"  and {line.count - len(line.wrong)} more")
    if all(line.balances for line in read):
        console.print(f"[green]All {len(read)} lines balance.[/]")
