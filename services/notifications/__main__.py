"""The notifications process: ``python -m services.notifications``."""

import eventlet

eventlet.monkey_patch()

from services.notifications.service import NotificationsService  # noqa: E402
from shared.messaging.hosting import serve  # noqa: E402

serve(NotificationsService)
