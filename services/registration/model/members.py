"""A member: a person known by an alias, which is kept apart and sealed."""

from __future__ import annotations

from dataclasses import dataclass

from shared.contracts.base import MemberId


@dataclass(frozen=True)
class Member:
    """``agreement`` is the newest version of the confidentiality agreement that they accepted."""

    member_id: MemberId
    agreement: int
    left: bool = False  # for good: only the id is still known
