"""The tables of notifications and the unit of work on them."""

from services.notifications.store.tables import metadata
from services.notifications.store.work import NotificationsWork

__all__ = ["NotificationsWork", "metadata"]
