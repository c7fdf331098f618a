"""Every metric that a process shows at /metrics, in one place. No label is ever a person's, or a meeting's."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

events_handled = Counter(
    "chapterhouse_events_handled_total", "Events by what became of them: done, retry, wait.", ["service", "outcome"]
)
events_redelivered = Counter(
    "chapterhouse_events_redelivered_total",
    "Events that the broker gave out again, since a process died or lost its connection with them in its hands.",
    ["service"],
)
event_batches = Histogram(
    "chapterhouse_event_batch_size", "Events in one batch.", ["service"], buckets=(1, 2, 5, 10, 20, 50, 100, 200)
)
batch_seconds = Histogram(
    "chapterhouse_event_batch_seconds",
    "Seconds from a batch's first delivery to its ack.",
    ["service"],
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30),
)
requests_answered = Counter("chapterhouse_requests_answered_total", "Commands and queries answered.", ["service"])
relayed = Counter("chapterhouse_events_relayed_total", "Events that the broker confirmed.", ["service"])
outbox_unsent = Gauge("chapterhouse_outbox_unsent", "Events in the outbox that have not left.", ["service"])
outbox_age = Gauge("chapterhouse_outbox_oldest_seconds", "Age of the oldest of them.", ["service"])
parked = Gauge("chapterhouse_parked", "Parked events that wait for a person.", ["service"])
circuit_open = Gauge(
    "chapterhouse_circuit_open",
    "1 while a handler fails on event after event and its events wait instead of being tried.",
    ["service", "handler"],
)
notices_late = Gauge("chapterhouse_notices_late_seconds", "How long the oldest notice that may leave has waited.")
notices_again = Gauge("chapterhouse_notices_again", "Notices that were tried, and wait to be tried again.")
notices_doubtful = Gauge("chapterhouse_notices_doubtful", "Notices of which nobody knows whether they arrived.")
notices_held = Gauge("chapterhouse_notices_held", "Notices that wait for a person's decision.")
database_answers = Gauge(
    "chapterhouse_database_answers",
    "1 while the service's database answers; at 0 what is told of it is old.",
    ["service"],
)
consuming = Gauge("chapterhouse_consuming", "1 while the service takes events from its queue.", ["service"])
