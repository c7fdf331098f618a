"""The broker's nodes, as one setting names them: URLs with semicolons between them."""

from __future__ import annotations

import random


def in_turn(urls: str) -> list[str]:
    """The URL of each node, in an order of chance: each attempt to connect tries them until one lets it in.

    By chance, so that processes spread over the nodes, and so that the next attempt does not go back to a node that
    let us in and then would not do (it is cut off from the others, or ill).
    """
    nodes = [url for part in urls.split(";") if (url := part.strip())]
    return random.sample(nodes, len(nodes))
