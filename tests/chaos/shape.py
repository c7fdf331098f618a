"""What a network of ``make chaos`` is made of, and how its processes are told to be quicker than in life."""

from __future__ import annotations

from dataclasses import replace

from services.local.programs import PROGRAMS, Program

LADDER = (0.5, 1.0, 2.0, 4.0)
"""The retry ladder's rungs in seconds: short, so that what fails for ten seconds is parked within the run."""
SHORTER = {
    "CHAPTERHOUSE_LADDER": ",".join(map(str, LADDER)),
    "CHAPTERHOUSE_NOTIFICATIONS_LEASE_SECONDS": "60",
}
"""What every process is told so that nothing is left behind for longer than a run: a notice that a dead process was
sending is looked at after a minute, which is still longer than any time-out below it.
"""
HEARTBEAT = 4
"""Seconds between the heartbeats of a connection to the broker; the broker gives up after two that are missing."""


def programs(processes: int) -> tuple[Program, ...]:
    """The network's programs, each service several times and hosted by tests.chaos.serve."""
    found: list[Program] = []
    for program in PROGRAMS:
        if program.kind != "service":
            found.append(program)
            continue
        ours = replace(program, module="tests.chaos.serve")
        found.append(ours)
        found += [replace(ours, name=f"{ours.name}-{number}", service=ours.name) for number in range(2, processes + 1)]
    return tuple(found)
