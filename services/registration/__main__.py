"""The registration process: ``python -m services.registration``."""

import eventlet

eventlet.monkey_patch()

from services.registration.service import RegistrationService  # noqa: E402
from shared.messaging.hosting import serve  # noqa: E402

serve(RegistrationService)
