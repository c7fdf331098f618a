"""Ready when asked, gone when told. ``CHAPTERHOUSE_STANDIN`` names a way to misbehave.

``dies``      ends at once, with a last word
``stubborn``  ignores SIGTERM
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

way = os.environ.get("CHAPTERHOUSE_STANDIN")
if way == "dies":
    sys.exit("the last word")

port = int(os.environ["CHAPTERHOUSE_HEALTH_PORT"])
for gateway in ("ADMIN", "PORTAL"):
    port = (
        int(os.environ.get(f"CHAPTERHOUSE_{gateway}_PORT", port))
        if f"CHAPTERHOUSE_{gateway}_HOST" in os.environ
        else port
    )


class Page(BaseHTTPRequestHandler):
    """Says yes to everything."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


server = HTTPServer(("127.0.0.1", port), Page)
grandchild = subprocess.Popen(["sleep", "600"])  # what a process starts must end with it
if way == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
