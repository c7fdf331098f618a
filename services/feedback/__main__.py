"""The process ``feedback``."""

import eventlet

eventlet.monkey_patch()

from services.feedback.service import FeedbackService  # noqa: E402
from shared.messaging.hosting import serve  # noqa: E402

serve(FeedbackService)
