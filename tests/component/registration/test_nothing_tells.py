"""What a thief of the database, or of the queues, would learn."""

from __future__ import annotations

from sqlalchemy import select

from services.registration.store import metadata
from shared.contracts.registration import Join, RoleInAttending
from tests.component.registration.acts import close, ended, facts, mark, moved_online, sheet, take, walk_in
from tests.support.world import World, member

ALIAS, GUEST = "Quillfeather", "Thistledown"


def test_no_alias_stands_in_any_table_or_event_in_the_clear(world: World) -> None:
    """The sheet shows them to the coordinator; every column and every outgoing event is searched."""
    world.deliver(facts())
    sealed = world.seal(ALIAS)
    world.send(Join(alias=sealed, role_in_attending=RoleInAttending.PROFESSIONAL, agreement_version=1), member("ana"))
    take(world, "ana")
    world.deliver(moved_online())
    world.tick(days=3)
    walk_in(world, GUEST, online=True)
    mark(world, "ana", None)
    close(world)
    world.deliver(ended(revision=2))
    view = sheet(world)
    assert (view.seats[0].alias, view.guests[0].alias) == (ALIAS, GUEST)
    with world.store.reading() as work:
        for table in metadata.sorted_tables:
            stored = "".join(repr(tuple(row)) for row in work.connection.execute(select(table))).casefold()
            for word in (ALIAS, GUEST, RoleInAttending.PROFESSIONAL.value, sealed):
                assert word.casefold() not in stored, f"{table.name} tells {word}"
