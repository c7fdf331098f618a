"""Stock Nameko: its own consumer on a quorum queue, a transaction an event, an ack after the handler."""

import eventlet

eventlet.monkey_patch()

import signal  # noqa: E402
from typing import Any  # noqa: E402

from kombu import Queue  # noqa: E402
from nameko.messaging import consume  # noqa: E402
from nameko.runners import ServiceRunner  # noqa: E402

from tests.bench.rivals import effect, raw  # noqa: E402


class Keeper:
    """One handler."""

    name = "keeper"

    @consume(Queue(effect.QUEUE, durable=True, queue_arguments={"x-queue-type": "quorum"}))
    def keep(self, event: Any) -> None:
        effect.keep(event)


def work() -> None:
    runner = ServiceRunner({"AMQP_URI": effect.BROKER, "max_workers": 10})
    runner.add_service(Keeper)
    signal.signal(signal.SIGTERM, lambda *_: eventlet.spawn_n(runner.stop))
    runner.start()
    runner.wait()


if __name__ == "__main__":
    effect.main(raw.fill, work)
