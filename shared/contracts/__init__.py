"""The messages that cross between services: one module a service, and nothing but data and words."""
