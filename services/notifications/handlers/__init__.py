"""The use cases of notifications: each a function of what arrived and the unit of work."""
