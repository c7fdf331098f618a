"""Many ids in a statement, but no more than a database takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
TOGETHER = 500
"""SQLite takes some 32,000 parameters in a statement, PostgreSQL 65,000; longer ones are no faster."""


def slices(these: Sequence[T]) -> Iterator[Sequence[T]]:
    """These, some at a time, in their order."""
    return (these[first : first + TOGETHER] for first in range(0, len(these), TOGETHER))
