"""Run the admin app: ``python -m services.admin``."""

from __future__ import annotations

import uvicorn

from services.admin.accounts import Book
from services.admin.settings import AdminSettings
from services.admin.web import admin_app
from shared.gateway.client import Client
from shared.runtime.clock import clock_for
from shared.runtime.keys import load_keys
from shared.runtime.logging import configure
from shared.runtime.settings import Settings
from shared.storage.silence import give_up_silence, in_a_thread


def main() -> None:
    """Serve until told to stop; open streams are closed after a few seconds."""
    settings, own = Settings(), AdminSettings()
    configure("admin", settings.log_level)
    if settings.env == "production" and not own.url.startswith("https://"):
        raise SystemExit(
            "in production set CHAPTERHOUSE_ADMIN_BASE_URL to an https address: sessions travel in cookies"
        )
    keys = load_keys(settings.keys, "admin")
    url = settings.database("admin")
    if url.startswith("sqlite"):
        settings.data.mkdir(parents=True, exist_ok=True)
    book = Book.open(url, keys)
    give_up_silence(in_a_thread)
    app = admin_app(
        own,
        keys=keys,
        book=book,
        clock=clock_for(settings.clock_file),
        open_asking=lambda: Client(settings.broker_url, keys),
    )
    uvicorn.run(
        app,
        host=own.host,
        port=own.port,
        access_log=False,  # the frame logs, without addresses
        log_config=None,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=own.forwarded_from,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
