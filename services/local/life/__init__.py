"""The life of a meeting, played on a running network as its people would live it: through the real pages."""

from services.local.life.play import Story, play

__all__ = ["Story", "play"]
