"""What a service process under chaos is told to do wrong: one small file a process, read again and again."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

Work = Literal["event", "command", "query", "every", "background"]
Moment = Literal["before", "after"]


class Orders(BaseModel):
    """The default is to do everything right.

    ``fail``     what share of the entrypoints' calls fails; ``works`` says of which kinds
    ``poison``   what share of the events fails, the same ones each time they come: they climb the ladder, and the
                 successes between them keep the circuit breaker from holding them back
    ``moment``   before their work, or after it: what they did is then undone with the transaction
    ``lose``     what share of the batches loses its connection after the commit, before the acks and the answers
    ``kill_at``  the point (shared.runtime.points) at which the process kills itself, the next time it comes there
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fail: float = 0.0
    poison: float = 0.0
    works: tuple[Work, ...] = ("event",)
    moment: Moment = "before"
    lose: float = 0.0
    kill_at: str = ""

    @classmethod
    def read(cls, file: Path) -> Orders:
        """What the file says; the default where there is none."""
        try:
            return cls.model_validate_json(file.read_bytes())
        except FileNotFoundError:
            return cls()

    def give(self, file: Path) -> None:
        """Write the file, whole."""
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_text(self.model_dump_json())
        fresh.replace(file)
