"""What the provider's error codes mean for a notice (Twilio's numbers; other providers copy them)."""

from __future__ import annotations

from services.notifications.messages import Permanent, Result, Transient

_CODES: dict[int, Result] = {
    # for good, for this number
    21211: Permanent("invalid", suppress=True),
    21614: Permanent("landline", suppress=True),  # not able to get texts
    30006: Permanent("landline", suppress=True),
    21610: Permanent("opted_out", suppress=True),  # STOP was said to the provider
    30005: Permanent("invalid", suppress=True),  # no such number
    30004: Permanent("blocked"),  # by the carrier or the owner; may be lifted
    21612: Permanent("not_routable"),
    # for the operator: account, region, registration, filter
    21408: Permanent("region_not_allowed", alarm=True),
    21606: Permanent("sender_not_allowed", alarm=True),
    30007: Permanent("filtered", alarm=True),
    30034: Permanent("sender_not_registered", alarm=True),
    # later
    20003: Transient("login_refused", 300.0),  # a key that is being changed must cost no notice
    20429: Transient("too_many_requests", 10.0),
    21611: Transient("queue_full", 60.0),
    30001: Transient("queue_full", 60.0),
    30003: Transient("unreachable", 300.0),
    30008: Transient("unknown_error", 300.0),
}


def meaning(code: int | None) -> Result:
    """Of an error code that we do not know, only that the operator should look it up."""
    if code is None:
        return Permanent("failed")
    return _CODES.get(code, Permanent(f"provider_{code}", alarm=True))
