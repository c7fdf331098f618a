"""A sender that waits gives way to the others: a slow server slows only itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import warnings
warnings.simplefilter("ignore")
import eventlet
eventlet.monkey_patch()
import socket, time
from services.notifications.channels.mail import MailOptions, MailSender
from services.notifications.channels.sms import SmsOptions, SmsSender
from services.notifications.messages import Message, Unknown, Transient, Worded
from shared.contracts.base import Channel

silent = socket.create_server(("127.0.0.1", 0))
port = silent.getsockname()[1]
message = Message("n", Channel.{channel}, "{to}", Worded(text="x", subject="x"), message_id="a@b")
sender = {sender}
ticks = []

def tick():
    while True:
        eventlet.sleep(0.05)
        ticks.append(time.monotonic())

eventlet.spawn(tick)
waiting = [eventlet.spawn(sender.send, message) for _ in range(3)]
results = [each.wait() for each in waiting]
assert all(isinstance(result, {result}) for result in results), results
assert len(ticks) >= 5, ticks
print("gave way")
"""


@pytest.mark.parametrize(
    ("channel", "to", "sender", "result"),
    [
        (
            "EMAIL",
            "reader@example.org",
            'MailSender(MailOptions(sender="hello@example.org", port=port, timeout=0.6))',
            "Transient",
        ),
        (
            "SMS",
            "+15551230001",
            'SmsSender(SmsOptions("AC1", "secret", base_url=f"http://127.0.0.1:{port}", timeout=0.6))',
            "Unknown",
        ),
    ],
)
def test_others_go_on_while_a_server_keeps_silent(channel: str, to: str, sender: str, result: str) -> None:
    """In a process of its own, patched by eventlet as the service is."""
    program = PROGRAM
    for name, value in {"channel": channel, "to": to, "sender": sender, "result": result}.items():
        program = program.replace("{" + name + "}", value)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.endswith("gave way\n"), done.stderr
