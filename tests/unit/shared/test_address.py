"""A broker's address is checked before it is used, and told in words."""

from __future__ import annotations

import pytest

from shared.messaging.address import connection_to
from shared.messaging.nodes import in_turn
from shared.runtime.address import problem_of


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("amqp://a:b@host/v", None),
        ("amqp://a:b@host/v?heartbeat=5", None),
        ("amqps://a:b@host/v?heartbeat=5", None),
        ("amqp://a:b@host/v?heartbeat=soon", "heartbeat is a whole number of seconds, not soon"),
        ("amqps://a:b@host/v?timeout=5", "cafile, certfile, keyfile, heartbeat"),
        ("http://host", "begins with amqp:// or amqps://"),
    ],
)
def test_what_is_wrong_with_an_address_is_named(address: str, problem: str | None) -> None:
    """And a heart's beat may be told with TLS and without."""
    told = problem_of(address)
    assert told is None if problem is None else problem in (told or "")


@pytest.mark.parametrize("scheme", ["amqp", "amqps"])
def test_the_heartbeat_of_an_address_goes_before_ours(scheme: str) -> None:
    """So that an operator may have a lost node missed sooner."""
    assert int(connection_to(f"{scheme}://a:b@host/v?heartbeat=5", heartbeat=30).heartbeat) == 5


def test_every_node_of_a_setting_is_tried_once_in_an_order_of_chance() -> None:
    """So that processes spread over the nodes, and none stays with a node that lets it in and will not do."""
    orders = {tuple(in_turn("amqp://one/v; amqp://two/v;amqp://three/v;")) for _ in range(200)}
    assert {frozenset(order) for order in orders} == {frozenset({"amqp://one/v", "amqp://two/v", "amqp://three/v"})}
    assert len(orders) == 6
