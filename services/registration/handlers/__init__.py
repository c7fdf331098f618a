"""The use cases of registration: one module a subject, plain functions of a message and the unit of work."""
