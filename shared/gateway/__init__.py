"""What admin and portal share: the way to the broker, the live stream, sessions, forms."""
