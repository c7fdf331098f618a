"""A service that asks the probe again and again, and writes down what it was told, and after how long."""

from __future__ import annotations

import json
import time

import eventlet

from shared.contracts.errors import Fault, Refused, Unreachable
from shared.messaging.caller import Caller
from shared.runtime.keys import load_keys
from shared.runtime.settings import Settings
from tests.support.probe.service import ReadCounter


def main() -> None:
    """Until killed."""
    settings = Settings()
    caller = Caller(settings.broker_url, load_keys(settings.keys, "meetings"))
    with (settings.data / "asked").open("a") as file:
        while True:
            began, why = time.monotonic(), ""
            try:
                said = str(caller.ask(ReadCounter(name="any")).value)
            except (Refused, Fault, Unreachable) as error:
                said, why = type(error).__name__, str(error)
            file.write(json.dumps({"said": said, "why": why, "seconds": time.monotonic() - began}) + "\n")
            file.flush()
            eventlet.sleep(0.1)
