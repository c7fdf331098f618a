"""Everything that is done to a network, each kind with an effect that must be seen from outside."""

from __future__ import annotations

from tests.chaos.faults import broker, clocks, cluster, database, events, handlers, post, processes, upgrade, wire
from tests.chaos.faults.effect import Effect, Fault
from tests.chaos.network import ChaosNetwork

__all__ = ["Effect", "Fault", "all_faults", "faults_for"]


def all_faults() -> tuple[Fault, ...]:
    """Every kind that we know."""
    rooms = (processes, broker, cluster, database, wire, handlers, events, upgrade, clocks, post)
    return tuple(fault for room in rooms for fault in room.FAULTS)


def faults_for(network: ChaosNetwork) -> tuple[Fault, ...]:
    """The kinds that hurt something which this network has; each must then be possible on this machine."""
    return tuple(fault for fault in all_faults() if fault.applies(network))
