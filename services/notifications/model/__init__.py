"""The rules of notifications, pure: no I/O, time handed in."""
