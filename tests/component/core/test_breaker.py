"""A handler that is broken does not park a whole queue: its events wait, one at a time is tried, others' events pass."""

from __future__ import annotations

import json

from services.local.ports import free_ports
from shared.contracts.base import ChapterId, GroupId, MeetingId
from shared.contracts.registration import AttendanceCounted
from shared.messaging import topology
from shared.messaging.envelope import Cause, encode
from shared.runtime.clock import real_now
from shared.runtime.ids import new_id
from tests.component.core.test_starting import asked
from tests.support.processes import eventually
from tests.support.site import QUEUE, Said, Site, chapter, stop

AFTER = 5
LONG = 600
"""A rung from which nothing comes back while a test looks."""


def sick(count: int) -> list[Said]:
    """Events on which the probe's handler ``keep`` fails until it is cured."""
    return [chapter("curable") for _ in range(count)]


def counted() -> Said:
    """An event that another handler of the probe hears."""
    key, event_id = new_id(), new_id()
    event = AttendanceCounted(
        meeting_id=MeetingId(key),
        chapter_id=ChapterId("chapter"),
        group_id=GroupId("group"),
        meeting_day=real_now().replace(hour=0, minute=0, second=0, microsecond=0),
        members=0,
        guests=0,
        in_person=0,
        online=0,
        phone=0,
    )
    return Said(event_id, key, encode(event, event_id=event_id, sequence=1, at=real_now(), cause=Cause.root()))


def tries(site: Site, said: list[Said]) -> int:
    """How often these were tried, in batches and alone."""
    files = [site.folder / f"try-{each.key}" for each in said]
    return sum(file.stat().st_size for file in files if file.exists())


def opened(site: Site) -> int:
    """How often a process found its handler broken."""
    return site.logs().count('"breaker_opened"')


def test_a_broken_handler_is_tried_no_more_and_the_others_events_pass(site: Site) -> None:
    """Its process says so, to whoever asks; its events lie on the ladder, with no rung climbed, through a stop."""
    port = free_ports(1)[0]
    said = sick(60)
    site.say(*said)
    child = site.start(breaker_after=str(AFTER), ladder=f"0.3,{LONG}", health_port=str(port))
    on_last = topology.rung_name(LONG)
    eventually(lambda: site.ready(on_last) == len(said), what="its events waiting, after one more of them was tried")
    assert opened(site) == 1
    batches = site.logs().count('"batch_failed"')
    assert tries(site, said) <= AFTER + 1 + batches
    assert batches < AFTER
    ready = asked(port, "/readyz")
    assert b"503" in ready
    state = json.loads(ready.split(b"\r\n\r\n")[1])
    assert f"keep failed on {AFTER + 1} events in a row (last: ValueError)" in state.pop("handlers")
    assert set(state.values()) == {True}
    gauge = b'chapterhouse_circuit_open{handler="%s",service="feedback"} %.1f'
    eventually(lambda: gauge % (b"keep", 1) in (page := asked(port, "/metrics")) and gauge % (b"count", 0) in page)
    mates = [counted() for _ in range(10)]
    site.put([each.body for each in mates], "", QUEUE)
    eventually(lambda: {each.event_id for each in mates} <= site.inbox())
    site.say(more := chapter())
    eventually(lambda: site.ready(on_last) == len(said) + 1, what="a new event of the broken handler waiting too")
    stop(child)
    assert not site.parked()
    assert site.inbox() == {each.event_id for each in mates}
    lying = site.take(on_last)
    assert {message.body for message in lying} == {each.body for each in [*said, more]}
    climbed = [message.headers["x-attempt"] for message in lying]
    assert sorted(set(climbed)) == [0, 1]
    assert climbed.count(1) < AFTER


def test_when_the_cause_is_mended_everything_is_handled_once(site: Site) -> None:
    """Also what a stopped process left, and what waited through the start of the next, which learns of it anew."""
    said = sick(40)
    site.say(*said)
    settings = {"breaker_after": str(AFTER), "ladder": "0.2,0.3,0.4,0.5"}
    child = site.start(**settings)
    eventually(lambda: opened(site) == 1)
    stop(child)
    site.start(**settings)
    eventually(lambda: opened(site) == 2)
    site.say(*(more := sick(5)))
    assert not site.parked()
    (site.folder / "cured").touch()
    site.balances([*said, *more])
    assert "breaker_closed" in site.logs()
    assert site.heard() == {row.event_id for row in site.outgoing()}


def test_each_of_two_processes_learns_it_by_itself_and_one_may_die(site: Site) -> None:
    """What the dead one held waits with the other."""
    settings = {"breaker_after": str(AFTER), "ladder": "0.2,0.3,0.4,0.5", "batch": "5"}
    first, second = site.start(**settings), site.start(**settings)
    said = sick(100)
    site.say(*said)
    eventually(lambda: opened(site) == 2)
    first.kill()
    assert not site.parked()
    (site.folder / "cured").touch()
    site.balances(said)
    assert second.alive()


def test_poison_is_parked_as_ever(site: Site) -> None:
    """Alone or some at once; where it is so much that it opens a circuit, good events close it and it climbs on."""
    site.start(breaker_after=str(AFTER), ladder="0.2,0.4")
    poison = [chapter("poison") for _ in range(AFTER - 1)]
    site.say(*poison)
    site.balances(poison, parked=poison)
    assert not opened(site)
    much, good = [chapter("poison") for _ in range(2 * AFTER)], []
    site.say(*much)
    eventually(lambda: opened(site))

    def parked() -> bool:
        good.append(chapter())
        site.say(good[-1])
        return {each.event_id for each in much} <= set(site.parked())

    eventually(parked, what="all poison being parked")
    site.balances([*much, *good], parked=much)
