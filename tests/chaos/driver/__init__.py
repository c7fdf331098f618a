"""The driver: people and staff who do something at random, and write down each request before it leaves."""

from tests.chaos.driver.history import History

__all__ = ["History"]
