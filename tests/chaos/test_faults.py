"""Faults on a network that runs, each seen from outside; and what the proxy sees of whose hands something is in."""

from __future__ import annotations

import json
import random
import signal
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.messaging.consumer import TAG
from tests.chaos import databases
from tests.chaos.amqp import ACK, CONFIRM, CONSUMER, DELIVER, METHOD, PUBLISH, Frame, Frames, Hands
from tests.chaos.disk import SmallDisk
from tests.chaos.faults import Effect, Fault, all_faults, clocks, events, handlers, processes, wire
from tests.chaos.healing import until
from tests.chaos.load import Load, light_load
from tests.chaos.network import ChaosNetwork
from tests.chaos.orders import Orders
from tests.chaos.wire import WAYS, Weather

SOME: tuple[Fault, ...] = (
    processes.Killed("registration", minimum=1),
    wire.CutInMidFrame(),
    handlers.Lost(),
    events.Strange("malformed events", future=False),
)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChaosNetwork]:
    """One for all."""
    with ChaosNetwork(tmp_path_factory.mktemp("chaos") / "var", processes=1) as network:
        yield network


@pytest.fixture(scope="module")
def load(network: ChaosNetwork) -> Iterator[Load]:
    """People who come and take places."""
    with light_load(network.network) as load:
        yield load


@pytest.mark.parametrize("fault", SOME, ids=[fault.kind for fault in SOME])
def test_a_fault_is_seen_from_outside(fault: Fault, network: ChaosNetwork, load: Load) -> None:
    """Within three tries: what is at work at the moment is chance."""
    assert fault.possible(network) is None
    chance = random.Random(7)
    effects: list[Effect] = []
    while len(effects) < 3 and not any(effect.observed for effect in effects):
        effects.append(fault.inject(network, chance))
    assert any(effect.observed for effect in effects), effects


def test_a_network_comes_back_from_what_was_never_ended(network: ChaosNetwork, load: Load) -> None:
    """Lines shut, a process standing still, a clock wrong, handlers that fail: settling ends it all."""
    for line in network.proxy.lines.values():
        line.weather = Weather(shut=frozenset(WAYS))
    network.signal("meetings", signal.SIGSTOP)
    network.clocks.step("registration", 3600.0)
    for process in network.service_processes():
        network.order(process, Orders(fail=1.0, works=handlers.EVERYTHING))
    assert until(network.unready, 30.0)
    before = load.came
    network.settle()
    assert until(lambda: abs(clocks.ahead(network, "registration")) < 2.5, clocks.SEEN_WITHIN)
    assert until(lambda: load.came > before, 60.0)


def test_what_is_malformed_was_written_down_and_is_parked(network: ChaosNetwork) -> None:
    """So whoever keeps the books can expect it there."""
    expected = [json.loads(line) for line in network.malformed.read_text().splitlines()]
    assert expected
    for each in expected:
        assert databases.parked(network, each["service"])[each["event_id"]] == each["reason"]


def test_each_kind_has_a_name_of_its_own() -> None:
    """They are lines of one table."""
    kinds = [fault.kind for fault in all_faults()]
    assert len(set(kinds)) == len(kinds)


def method(number: tuple[int, int], rest: bytes = b"", channel: int = 1) -> Frame:
    """A method's frame."""
    return Frame(METHOD, channel, struct.pack(">HH", *number) + rest)


def delivery(tag: int, consumer: bytes = CONSUMER, *, again: bool = False) -> Frame:
    """A delivery to a consumer."""
    return method(DELIVER, bytes([len(consumer)]) + consumer + struct.pack(">QB", tag, again))


def test_a_service_s_consumer_is_known_by_its_tag() -> None:
    """Else nothing would ever be in anybody's hands."""
    assert TAG.encode() == CONSUMER


def test_a_delivery_is_in_hand_until_it_is_acknowledged() -> None:
    """One ack may be for all before it; replies are not acknowledged, and do not count."""
    hands = Hands()
    for tag in (1, 2, 3):
        hands.broker_says(delivery(tag, again=tag == 3))
    hands.broker_says(delivery(4, b"ctag1.0"))
    assert (hands.in_hand, hands.redelivered) == (3, 1)
    hands.client_says(method(ACK, struct.pack(">QB", 2, 1)))
    assert hands.in_hand == 1


def test_a_publish_waits_until_it_is_confirmed() -> None:
    """Only on a channel that asked for confirms; a broker's ack is for no delivery."""
    hands = Hands()
    hands.client_says(method(PUBLISH, channel=2))
    hands.client_says(method(CONFIRM))
    for _ in range(3):
        hands.client_says(method(PUBLISH))
    assert hands.waiting == 3
    hands.broker_says(method(ACK, struct.pack(">QB", 2, 1)))
    assert (hands.waiting, hands.in_hand) == (1, 0)


def test_a_stream_is_cut_into_frames_wherever_it_is_torn() -> None:
    """Byte by byte, too; what is not whole is kept."""
    frames, sent = Frames(preamble=8), [delivery(7), Frame(3, 1, b"body")]
    stream = b"AMQP\0\0\x09\x01" + b"".join(frame.whole() for frame in sent)
    heard = [frame for byte in stream for frame in frames.feed(bytes([byte]))]
    assert heard == sent
    assert frames.rest() == b""


def test_a_folder_that_holds_data_gets_no_small_disk(tmp_path: Path) -> None:
    """What lies there would be hidden; we are told, and it is left alone."""
    (tmp_path / "kept").write_text("kept")
    with SmallDisk(tmp_path, 1) as disk:
        assert "holds data already" in (disk.missing or "")
    assert (tmp_path / "kept").read_text() == "kept"
