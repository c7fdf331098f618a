"""What the handlers need of a unit of work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.feedback.model.windows import CountedMeeting, Window
from shared.contracts.base import ChapterId, Event, RegionId, Sealed, WindowId
from shared.contracts.feedback import Report
from shared.runtime.keys import KeyRing


class Windows(Protocol):
    """The windows and their frozen reports."""

    def lock_region(self, region_id: RegionId) -> None:
        """Nobody else opens a window in this region until the commit."""

    def overlapping(self, region_id: RegionId, opens_at: datetime, closes_at: datetime) -> Window | None:
        """A window of the region that covers part of that time."""

    def add(self, window: Window) -> None:
        """Keep a new window."""

    def get(self, window_id: WindowId) -> Window | None:
        """The window as it is now."""

    def held_open(self, window_id: WindowId) -> Window | None:
        """The window; it cannot be closed by another transaction until this one ends."""

    def due(self, now: datetime) -> Sequence[Window]:
        """Open windows whose last slip may have come, locked for closing, in id order."""

    def all(self) -> Sequence[Window]:
        """All windows, newest first."""

    def freeze(self, window_id: WindowId, report: Report) -> None:
        """Close the window with this report, for good."""

    def report(self, window_id: WindowId) -> Report | None:
        """The frozen report."""


class Attendance(Protocol):
    """Chapters, and how many members attended which meeting."""

    def know_chapter(self, chapter_id: ChapterId, region_id: RegionId) -> None:
        """A chapter exists."""

    def region_of(self, chapter_id: ChapterId) -> RegionId | None:
        """The chapter's region, where it has been heard of."""

    def chapters_of(self, region_id: RegionId) -> Sequence[ChapterId]:
        """The region's chapters, by id."""

    def count(self, meeting: CountedMeeting) -> None:
        """Keep the count, unless a newer change of it is known."""

    def members(self, window: Window, chapter_id: ChapterId) -> int:
        """Members counted at the chapter's meetings on days that the window touches."""


class Urn(Protocol):
    """Codes and slips. Within a chapter and window nothing tells which code came with which slip, or in which order."""

    def lock(self, window_id: WindowId, chapter_id: ChapterId) -> None:
        """Nobody else draws, spends or counts here until the commit."""

    def drawn(self, window_id: WindowId, chapter_id: ChapterId) -> int:
        """How many codes were drawn."""

    def add_code(self, code_hash: str, window_id: WindowId, chapter_id: ChapterId) -> None:
        """Keep the hash of a new code."""

    def place_of(self, code_hash: str) -> tuple[WindowId, ChapterId, bool] | None:
        """The code's window and chapter, and whether it was spent."""

    def exchange(self, code_hash: str, answers: dict[str, int]) -> None:
        """Spend the code and put in the slip. The place is locked."""

    def slips(self, window_id: WindowId) -> dict[ChapterId, list[dict[str, int]]]:
        """The answers of the window, by chapter, in no order."""

    def codes_drawn(self, window_id: WindowId) -> dict[ChapterId, int]:
        """How many codes were drawn in each chapter."""

    def void_unused(self, window_id: WindowId) -> None:
        """Forget the codes that were not used."""

    def forget_spent(self, last_slip_before: datetime) -> None:
        """Forget the spent codes of windows that took their last slip before then."""


class FeedbackWork(Protocol):
    """One open transaction of feedback."""

    @property
    def windows(self) -> Windows:
        """Windows and reports."""

    @property
    def attendance(self) -> Attendance:
        """Chapters and counts."""

    @property
    def urn(self) -> Urn:
        """Codes and slips."""

    @property
    def keys(self) -> KeyRing:
        """The service's keys."""

    @property
    def now(self) -> datetime:
        """Domain time, aware, UTC."""

    def new_id(self) -> str:
        """A time-ordered id."""

    def publish(self, event: Event) -> None:
        """Say that something happened, if this commits."""

    def unseal(self, sealed: Sealed) -> str:
        """Open what was sealed to feedback. Raises CannotOpen."""

    def seal_for(self, name: str, text: str) -> Sealed:
        """Seal a text to another service."""
