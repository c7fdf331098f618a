"""One open transaction of notifications, with its repositories."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from services.notifications.model.records import Notice
from services.notifications.store.contacts import Contacts
from services.notifications.store.feedback import Feedback
from services.notifications.store.members import Members
from services.notifications.store.notices import Notices
from services.notifications.store.projections import Calendar
from shared.storage.work import Work


class NotificationsWork(Work):
    """The unit of work that the use cases know as services.notifications.work.Work."""

    @cached_property
    def contacts(self) -> Contacts:
        """Contact points and codes."""
        return Contacts(self.connection, self.vault)

    @cached_property
    def members(self) -> Members:
        """Consents, preferences, suppressions."""
        return Members(self.connection, self.vault, self.clock)

    @cached_property
    def calendar(self) -> Calendar:
        """Meetings and seats."""
        return Calendar(self.connection)

    @cached_property
    def feedback(self) -> Feedback:
        """Windows and attendance."""
        return Feedback(self.connection)

    @cached_property
    def notices(self) -> Notices:
        """Notices and deliveries."""
        return Notices(self.connection, self.vault, self.clock)

    def foresee(self, notices: Sequence[Notice]) -> None:
        """Read all that the gate looks at of these notices, in a statement a table and not one by one.

        From now on this work answers from memory for it: nothing of it may be written in the same transaction.
        """
        contacts = self.contacts.foresee({each.contact_point_id for each in notices if each.contact_point_id})
        self.members.foresee(contacts)
        self.calendar.foresee({(n.meeting_id, n.member_id) for n in notices if n.meeting_id and n.member_id})
