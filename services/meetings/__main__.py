"""Runs the meetings service: ``python -m services.meetings``."""

import eventlet

eventlet.monkey_patch()

from services.meetings.service import MeetingsService  # noqa: E402
from shared.messaging.hosting import serve  # noqa: E402

serve(MeetingsService)
