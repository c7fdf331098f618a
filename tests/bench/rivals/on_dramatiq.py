"""dramatiq: a quorum queue, one process with threads."""

from __future__ import annotations

import signal
import threading
from typing import Any

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker

from tests.bench.rivals import effect


class QuorumBroker(RabbitmqBroker):
    """dramatiq has no setting for the kind of its queues."""

    def _build_queue_arguments(self, queue_name: str) -> dict[str, Any]:
        return {**super()._build_queue_arguments(queue_name), "x-queue-type": "quorum"}


broker = QuorumBroker(url=effect.BROKER, confirm_delivery=True)
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name=effect.QUEUE)
def keep(event: str) -> None:
    effect.keep(effect.decoded(event))


def fill(events: list[bytes]) -> None:
    for event in events:
        keep.send(event.decode())


def work() -> None:
    worker = dramatiq.Worker(broker, worker_threads=effect.THREADS)
    worker.start()
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    stopped.wait()
    worker.stop()


if __name__ == "__main__":
    effect.main(fill, work)
