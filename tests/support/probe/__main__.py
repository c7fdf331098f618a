"""The probe as a process."""

import eventlet

eventlet.monkey_patch()

from shared.messaging.subscriber import serve  # noqa: E402
from tests.support.probe.service import Probe  # noqa: E402

serve(Probe)
