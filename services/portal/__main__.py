"""Run the portal: ``python -m services.portal``."""

from __future__ import annotations

from functools import partial

import structlog
import uvicorn

from services.portal.help_lines import to_check
from services.portal.settings import PortalSettings
from services.portal.web import make_portal
from shared.gateway.client import Client
from shared.runtime import logging
from shared.runtime.clock import clock_for
from shared.runtime.keys import load_keys
from shared.storage.engine import make_engine
from shared.storage.migrate import upgrade
from shared.storage.silence import give_up_silence, in_a_thread

log = structlog.get_logger()


def main() -> None:
    """Bring the database to today's schema, then serve until told to stop."""
    settings = PortalSettings()
    logging.configure("portal", settings.log_level)
    if settings.env == "production" and not settings.secure:
        raise SystemExit("in production set CHAPTERHOUSE_PORTAL_URL to an https address: sessions travel in cookies")
    settings.data.mkdir(parents=True, exist_ok=True)
    keys = load_keys(settings.keys, "portal")
    engine = make_engine(settings.database("portal"))
    upgrade("portal", engine)
    give_up_silence(in_a_thread)
    clock = clock_for(settings.clock_file)
    for line in to_check(clock.now().date()):
        log.warning("help_line_to_check", line=line)
    app = make_portal(
        settings, keys=keys, engine=engine, clock=clock, open_asking=partial(Client, settings.broker_url, keys)
    )
    uvicorn.run(
        app,
        host=settings.portal_host,
        port=settings.portal_port,
        access_log=False,  # an access log would say who reads what, and when
        log_config=None,
        proxy_headers=True,
        forwarded_allow_ips=settings.proxies,
        server_header=False,
        timeout_graceful_shutdown=int(settings.drain_seconds),
    )


if __name__ == "__main__":
    main()
