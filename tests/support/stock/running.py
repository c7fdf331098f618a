"""A service on Nameko's own event handler, in a process that is patched already."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import eventlet
from eventlet.patcher import original
from nameko.events import event_handler
from nameko.extensions import DependencyProvider
from nameko.runners import ServiceRunner
from sqlalchemy import insert

from shared.contracts.meetings import ChapterOpened
from shared.runtime.points import reached
from shared.runtime.settings import Settings
from shared.storage.engine import make_engine
from tests.support.probe.service import effects, note_try


class Session(DependencyProvider):  # type: ignore[misc]
    """One transaction a worker, opened before it and committed after it, as nameko-sqlalchemy has it."""

    def setup(self) -> None:
        self.engine = make_engine(Settings().database("feedback"))
        self.open: dict[Any, Any] = {}

    def worker_setup(self, worker_ctx: Any) -> None:
        connection = self.engine.connect().execution_options(writing=True)
        self.open[worker_ctx] = (connection, connection.begin())

    def get_dependency(self, worker_ctx: Any) -> Any:
        return self.open[worker_ctx][0].execute

    def worker_result(self, worker_ctx: Any, result: Any = None, exc_info: Any = None) -> None:
        connection, transaction = self.open.pop(worker_ctx)
        if exc_info:
            transaction.rollback()
        else:
            reached("before commit")
            transaction.commit()
        connection.close()


class Lazy(Session):
    """The same, opened when it is first used."""

    def worker_setup(self, worker_ctx: Any) -> None:
        """Nothing yet."""

    def get_dependency(self, worker_ctx: Any) -> Any:
        def execute(*row: Any) -> None:
            if worker_ctx not in self.open:
                super(Lazy, self).worker_setup(worker_ctx)
            self.open[worker_ctx][0].execute(*row)

        return execute

    def worker_result(self, worker_ctx: Any, result: Any = None, exc_info: Any = None) -> None:
        if worker_ctx in self.open:
            super().worker_result(worker_ctx, result, exc_info)


class Stock:
    """What the probe does, the stock way."""

    name = "feedback"
    execute = Session() if os.environ.get("CHAPTERHOUSE_STOCK_SESSION") == "eager" else Lazy()

    def __init__(self) -> None:
        self.settings = Settings()

    @event_handler("meetings", ChapterOpened.type, requeue_on_error=os.environ.get("CHAPTERHOUSE_STOCK_REQUEUE") == "1")
    def keep(self, payload: Any) -> None:
        """One effect row; then what the first word of the name asks for."""
        data = payload["data"]
        word, *rest = data["name"].split()
        tries = note_try(self.settings.data, data["chapter_id"])
        if word == "slow":
            time.sleep(float(rest[0]))
        if word == "block":
            original("time").sleep(float(rest[0]))
        if word == "poison" or (word == "fail" and tries <= int(rest[0])):
            raise ValueError(word)
        self.execute(insert(effects), [{"event_key": data["chapter_id"], "subject": data["region_id"], "times": 1}])


def main() -> None:
    """Until SIGTERM."""
    settings = Settings()
    config = {"AMQP_URI": settings.broker_url, "max_workers": 10, "HEARTBEAT": 1}
    runner = ServiceRunner(config)
    runner.add_service(Stock)
    signal.signal(signal.SIGTERM, lambda *_: eventlet.spawn_n(runner.stop))
    runner.start()
    runner.wait()
