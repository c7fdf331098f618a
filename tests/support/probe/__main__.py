"""The probe as a process."""

import eventlet

eventlet.monkey_patch()

from tests.support.probe.running import main  # noqa: E402

main()
