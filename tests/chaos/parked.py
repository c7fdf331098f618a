"""What a person would do with the parking lots after an outage: replay what can be, discard the rest. By the command line."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from click.testing import CliRunner

from services.local.books.reading import Databases
from services.local.books.where import SERVICES, Where
from services.operator.parked import parked

ROUNDS = 4
Parked = tuple[str, str]


def waiting(where: Where) -> set[Parked]:
    """Service and id of what is parked and waits for a person."""
    with Databases(where) as databases:
        return {
            (service, event_id)
            for service in SERVICES
            for event_id in databases[service].column("SELECT event_id FROM parked WHERE settled IS NULL")
        }


def replay_all(where: Where, env: dict[str, str], malformed: AbstractSet[Parked], settle: Callable[[], object]) -> int:
    """Replay what is none of these, round by round, until nothing but these is left; then discard these. How many replayed."""
    replayed = 0
    for _ in range(ROUNDS):
        found = waiting(where) - malformed
        for service, event_id in sorted(found):
            replayed += _command(env, "replay", service, event_id)
        if found:
            settle()
    for service, event_id in sorted(waiting(where) & malformed):
        _command(env, "discard", service, event_id)
    return replayed


def _command(env: dict[str, str], what: str, service: str, event_id: str) -> bool:
    """The command itself, in this process: to start Python for each of some twenty would cost half a minute."""
    done = CliRunner().invoke(parked, [what, service, event_id], env=env)
    return done.exit_code == 0
