"""Feedback's tables and the unit of work on them.

Codes and slips lie so that neither their rows nor their pages tell in which order they came: on SQLite
``WITHOUT ROWID`` under random keys, on PostgreSQL shuffled anew at every change (:class:`Urn`). They have the
chapter and the window in common, and nothing else.
"""

from __future__ import annotations

from services.feedback.store.attendance import Attendance
from services.feedback.store.tables import metadata
from services.feedback.store.urn import Urn, tidy
from services.feedback.store.windows import Windows
from shared.storage.work import Work

__all__ = ["FeedbackWork", "metadata", "tidy"]


class FeedbackWork(Work):
    """One transaction of feedback."""

    @property
    def windows(self) -> Windows:
        """Windows and reports."""
        return Windows(self.connection)

    @property
    def attendance(self) -> Attendance:
        """Chapters and counts."""
        return Attendance(self.connection)

    @property
    def urn(self) -> Urn:
        """Codes and slips."""
        return Urn(self.connection)
