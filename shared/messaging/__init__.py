"""The event core: envelope, topology, subscriber, outbox, inbox, relay, retry ladder, parking lot, requests."""
