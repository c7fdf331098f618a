"""Celery: late acks, a quorum queue, one process (threads where the database can use them)."""

from __future__ import annotations

from celery import Celery

from tests.bench.rivals import effect

app = Celery("bench", broker=effect.BROKER)
app.conf.update(
    task_default_queue=effect.QUEUE,
    task_default_queue_type="quorum",
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=100,
    broker_transport_options={"confirm_publish": True},
)


@app.task(name="keep")
def keep(event: str) -> None:
    effect.keep(effect.decoded(event))


def fill(events: list[bytes]) -> None:
    """As Celery's own messages: it reads no others."""
    for event in events:
        keep.delay(event.decode())


def work() -> None:
    pool = ["--pool=solo"] if effect.THREADS == 1 else ["--pool=threads", f"--concurrency={effect.THREADS}"]
    app.worker_main(["worker", *pool, "--loglevel=WARNING", "--without-mingle", "--without-gossip"])


if __name__ == "__main__":
    effect.main(fill, work)
