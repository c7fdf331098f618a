"""FastStream: a quorum queue, one process; threads where the database can use them, else in the loop itself."""

from __future__ import annotations

import asyncio
from typing import Any

from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from faststream.rabbit.schemas.queue import QueueType

from tests.bench.rivals import effect, raw

broker = RabbitBroker(effect.BROKER, default_channel=Channel(prefetch_count=100))
app = FastStream(broker, logger=None)
queue = RabbitQueue(effect.QUEUE, queue_type=QueueType.QUORUM, durable=True)

if effect.THREADS == 1:

    @broker.subscriber(queue, ack_policy=AckPolicy.REJECT_ON_ERROR)
    async def keep(event: dict[str, Any]) -> None:
        effect.keep(event)

else:

    @broker.subscriber(queue, ack_policy=AckPolicy.REJECT_ON_ERROR)
    def keep_in_thread(event: dict[str, Any]) -> None:
        effect.keep(event)


def work() -> None:
    asyncio.run(app.run())


if __name__ == "__main__":
    effect.main(raw.fill, work)
