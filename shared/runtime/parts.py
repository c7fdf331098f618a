"""What a service class is given when its process starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared.contracts.base import Request
from shared.runtime.clock import Clock
from shared.runtime.keys import KeyRing
from shared.runtime.settings import Settings
from shared.storage.work import Store, Work

WorkT = TypeVar("WorkT", bound=Work)

Ask = Callable[[Request[Any]], Any]
"""Ask another service, as role SERVICE, and wait for the answer. Never within a transaction.

Raises what the other service refuses with, Fault, or Unreachable.
"""


@dataclass(frozen=True)
class Parts(Generic[WorkT]):
    """Settings, keys, clock, database and the way to ask another service."""

    settings: Settings
    keys: KeyRing
    clock: Clock
    store: Store[WorkT]
    ask: Ask
