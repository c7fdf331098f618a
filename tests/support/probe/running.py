"""Serves the probe in a process that is patched already."""

from __future__ import annotations

from shared.messaging.hosting import serve
from tests.support.probe.service import Probe


def main() -> None:
    """Until SIGTERM."""
    serve(Probe)
