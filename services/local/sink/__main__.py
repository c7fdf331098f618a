"""``python -m services.local.sink``: the development sink as a process."""

from __future__ import annotations

import uvicorn

from services.local.ports import LOOPBACK
from services.local.sink.app import build
from services.local.sink.settings import SinkSettings


def main() -> None:
    """Serve until SIGTERM."""
    settings = SinkSettings()
    uvicorn.run(build(settings), host=LOOPBACK, port=settings.port, log_level="warning", timeout_graceful_shutdown=3)


if __name__ == "__main__":
    main()
