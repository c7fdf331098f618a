"""The notifications process: ``python -m services.notifications``."""

import eventlet

eventlet.monkey_patch()

from pydantic import ValidationError  # noqa: E402

from services.notifications.service import NotificationsService  # noqa: E402
from services.notifications.settings import NotificationsSettings  # noqa: E402
from shared.messaging.hosting import serve  # noqa: E402

try:
    NotificationsSettings()
except ValidationError as wrong:
    told = wrong.errors(include_input=False, include_url=False)
    raise SystemExit("; ".join(": ".join(map(str, (*each["loc"], each["msg"]))) for each in told)) from None
serve(NotificationsService)
