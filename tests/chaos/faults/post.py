"""The mail server and the SMS provider: they refuse, stall, die, answer too late, and tell twice what became of a text."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from tests.chaos.faults.effect import Effect, Fault
from tests.chaos.healing import until
from tests.chaos.network import ChaosNetwork

MET_WITHIN = 15.0
"""Seconds in which a mail or a text of a network under load meets the fault."""


@dataclass(frozen=True)
class Ordered(Fault):
    """A fault of services.local.sink.faults, for the next few mails or texts."""

    kind: str
    channel: Literal["mail", "sms"]
    orders: tuple[dict[str, Any], ...]
    """One of these is chosen."""
    times: int = 3
    minimum: int = 2
    in_short: bool = False

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: how many met it, as the sink counts them."""
        order, wanted, sink = rng.choice(self.orders), rng.randint(1, self.times), network.network.pid("sink")
        try:
            self._switch(network, {**order, "times": wanted})
            until(lambda: self._left(network, wanted) == 0, MET_WITHIN, every=0.1)
            met = wanted - self._left(network, wanted)
            self._switch(network, None)
        except httpx.HTTPError as error:
            return Effect(self.kind, observed=False, what=f"the sink did not answer: {type(error).__name__}")
        if network.network.pid("sink") != sink:
            return Effect(self.kind, observed=False, what="the sink died, and has forgotten it")
        words = ", ".join(f"{name} {value}" for name, value in order.items())
        return Effect(self.kind, observed=met > 0, what=f"{met} of {wanted} met it ({words})")

    def _switch(self, network: ChaosNetwork, fault: dict[str, Any] | None) -> None:
        url = f"{network.sink_url}/api/faults"
        httpx.put(url, json={self.channel: fault}, timeout=10, trust_env=False).raise_for_status()

    def _left(self, network: ChaosNetwork, wanted: int) -> int:
        """How often it is still to be met."""
        standing = httpx.get(f"{network.sink_url}/api/faults", timeout=10, trust_env=False).json()[self.channel]
        return int(standing["times"]) if standing else 0


@dataclass(frozen=True)
class CallBacks(Fault):
    """The provider tells twice, and out of order, what became of texts."""

    minimum: int = 2
    kind: str = "call-backs twice and out of order"
    in_short: bool = False

    def inject(self, network: ChaosNetwork, rng: random.Random) -> Effect:
        """Observed: that each was taken."""
        texts = [sid for line in network.sink_log.read_bytes().splitlines() if (sid := _sid(json.loads(line)))]
        chosen = rng.sample(texts[-40:], min(4, len(texts)))
        statuses = [(sid, status) for sid in chosen for status in ("delivered", "sent", "delivered", "queued")]
        rng.shuffle(statuses)
        try:
            answers = [_tell(network, sid, status) for sid, status in statuses]
        except httpx.HTTPError as error:
            return Effect(self.kind, observed=False, what=f"the sink did not answer: {type(error).__name__}")
        taken = sum(answer is not None and 200 <= answer < 300 for answer in answers)
        what = f"{len(answers)} of {len(chosen)} texts, {taken} of them taken"
        return Effect(self.kind, observed=bool(answers) and taken == len(answers), what=what)


def _sid(record: dict[str, Any]) -> str | None:
    return record["sid"] if record["kind"] == "text" else None


def _tell(network: ChaosNetwork, sid: str, status: str) -> int | None:
    url = f"{network.sink_url}/api/texts/{sid}/status"
    answered: int | None = httpx.post(url, json={"status": status}, timeout=30, trust_env=False).json()["answered"]
    return answered


_LATER = {"mode": "refuse", "code": 451, "text": "4.3.0 not now"}
_NEVER = {"mode": "refuse", "code": 554, "text": "5.7.1 not from you"}

FAULTS: tuple[Fault, ...] = (
    Ordered(
        "mail refused for now",
        "mail",
        tuple({**_LATER, "at": at} for at in ("mail", "rcpt", "data")),  # connections are kept: few are refused at once
        in_short=True,
    ),
    Ordered(
        "mail refused for good", "mail", tuple({**_NEVER, "at": at} for at in ("rcpt", "data")), times=1, minimum=1
    ),
    Ordered("mail server stalls", "mail", ({"mode": "stall", "seconds": 8.0},), times=2),
    Ordered("mail server answers too late", "mail", ({"mode": "late", "seconds": 25.0},), times=1, minimum=1),
    Ordered("mail server dies before the dot", "mail", ({"mode": "die_in_data"},)),
    Ordered("mail server dies after the dot", "mail", ({"mode": "die"}, {"mode": "die_after"}), in_short=True),
    Ordered("provider refuses for now", "sms", ({"mode": "refuse", "code": 20500}, {"mode": "refuse", "code": 20429})),
    Ordered("provider fails after it took a text", "sms", ({"mode": "refuse_after", "code": 20500},), in_short=True),
    Ordered("provider dies after it took a text", "sms", ({"mode": "die"}, {"mode": "die_after"})),
    Ordered("provider answers too late", "sms", ({"mode": "late", "seconds": 25.0},), times=1),
    CallBacks(),
)
