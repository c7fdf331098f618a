"""The circuit breaker: a handler that fails on event after event is not tried on all the rest of the queue.

Pure: it is told what happened and when, and says what may be tried. A circuit per handler, kept in one process.
While one is open, the events of its handler wait on the retry ladder without climbing it, and one at a time is
tried, after pauses that grow as the ladder's rungs do; the first success closes it. See docs/decisions/0006.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field


@dataclass
class _Circuit:
    """One handler's run of failures, since it last succeeded."""

    failed: set[str] = field(default_factory=set)
    error: str = ""
    probe_at: float | None = None
    """When (monotonic) an event may be tried again; None while the circuit is closed."""
    stage: int = 0


class Breaker:
    """Opens a handler's circuit once so many different events have failed in it without a success between.

    One event that always fails opens nothing, however often it comes, and closes none by being tried again and again.
    ``pauses`` are the ladder's rungs in seconds. With ``after`` 0, or no rung to wait on, no circuit is ever opened.
    """

    def __init__(self, after: int = 0, pauses: Sequence[float] = ()) -> None:
        self._after = after if pauses else 0
        self._pauses = pauses
        self._circuits: dict[str, _Circuit] = {}

    def failed(self, handlers: Collection[str], event_id: str, error: str, now: float) -> list[str]:
        """An event failed in one of these handlers. Which circuits it has opened."""
        opened = []
        for name in handlers if self._after else ():
            circuit = self._circuits.setdefault(name, _Circuit())
            circuit.error = error
            circuit.failed.add(event_id)
            if circuit.probe_at is not None:
                circuit.stage = min(circuit.stage + 1, len(self._pauses) - 1)
                circuit.probe_at = now + self._pauses[circuit.stage]
            elif len(circuit.failed) >= self._after:
                circuit.probe_at = now + self._pauses[0]
                opened.append(name)
        return opened

    def succeeded(self, handlers: Collection[str]) -> list[str]:
        """All of these took effect on an event, which is committed. Which circuits that has closed."""
        if not self._circuits:
            return []
        ended = {name: self._circuits.pop(name) for name in handlers if name in self._circuits}
        return [name for name, circuit in ended.items() if circuit.probe_at is not None]

    def open(self, handlers: Collection[str]) -> bool:
        """Whether one of them is broken: an event that they hear does not climb."""
        return bool(self._circuits) and any(
            name in self._circuits and self._circuits[name].probe_at is not None for name in handlers
        )

    def lets(self, handlers: Collection[str], event_id: str, now: float) -> bool:
        """Whether this event, which these hear, may be tried; where a circuit is open, one may after each pause.

        One that has failed already waits for a pause more: by then every other that waits has come before it.
        """
        for name in handlers:
            circuit = self._circuits.get(name)
            if circuit is None or circuit.probe_at is None:
                continue
            more = self._pauses[circuit.stage] if event_id in circuit.failed else 0.0
            if now < circuit.probe_at + more:
                return False
        return True

    @property
    def any_open(self) -> bool:
        """Whether some handler is broken: what waits for an earlier event may wait for one of its."""
        return any(circuit.probe_at is not None for circuit in self._circuits.values())

    @property
    def stage(self) -> int:
        """The rung on which the events of broken handlers wait: it is as long as the pause."""
        return max((circuit.stage for circuit in self._circuits.values()), default=0)

    def told(self) -> dict[str, str]:
        """The broken handlers, each with a sentence for whoever looks after the process."""
        return {
            name: f"{name} failed on {len(circuit.failed)} events in a row (last: {circuit.error}); "
            f"its events wait, and one is tried every {self._pauses[circuit.stage]:g} s"
            for name, circuit in self._circuits.items()
            if circuit.probe_at is not None
        }
