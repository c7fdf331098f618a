"""What a provider posts to us: what became of a text, and texts from a member's phone. Signed, as Twilio signs."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping

import httpx

from services.local.sink.log import Arrivals
from services.local.sink.settings import SinkSettings

STOP_WORDS = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
START_WORDS = {"START", "YES", "UNSTOP"}
_TRIES = (0.0, 0.5, 2.0)
"""Seconds before each try. The provider does not try for ever, either."""


def sign(token: str, url: str, form: Mapping[str, str]) -> str:
    """X-Twilio-Signature: HMAC-SHA1 of the URL and the sorted fields (Twilio docs, "Validating Requests")."""
    text = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), hashlib.sha1)).decode()


class Hooks:
    """Posts to the network, in the background."""

    def __init__(self, settings: SinkSettings, arrivals: Arrivals) -> None:
        self._settings = settings
        self._arrivals = arrivals
        self._tasks: set[asyncio.Task[None]] = set()
        self._client = httpx.AsyncClient(timeout=10, trust_env=False)

    def follow(self, sid: str, *, fails_with: int | None = None) -> None:
        """Report ``sent`` and then ``delivered`` (or ``undelivered`` with this code) of a text."""
        task = asyncio.create_task(self._follow(sid, fails_with))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def report(self, sid: str, status: str, error_code: int | None = None) -> int | None:
        """Report one status now; the HTTP status of the answer, None if nobody wants to know or answers."""
        text = self._arrivals.texts[sid]
        self._arrivals.add("status", sid=sid, status=status, error_code=error_code)
        if not text["status_callback"]:
            return None
        form = {
            "MessageSid": sid,
            "SmsSid": sid,
            "MessageStatus": status,
            "SmsStatus": status,
            "AccountSid": self._settings.sms_account,
            "From": text["sender"] or "",
            "To": text["to"],
            "ApiVersion": "2010-04-01",
        }
        if text["service"]:
            form["MessagingServiceSid"] = text["service"]
        if error_code is not None:
            form["ErrorCode"] = str(error_code)
        return await self._post(text["status_callback"], form)

    async def inbound(self, to: str, sender: str, body: str, *, sid: str | None = None) -> tuple[str, int | None]:
        """A text from a phone to one of our numbers: stop words are obeyed by the provider itself, then told."""
        sid = sid or f"SM{secrets.token_hex(16)}"
        self._arrivals.add("inbound", sid=sid, to=to, sender=sender, body=body)
        word = body.strip().upper()
        if word in STOP_WORDS | START_WORDS:
            self._arrivals.add("opt_out", number=sender, out=word in STOP_WORDS)
        form = {
            "MessageSid": sid,
            "SmsSid": sid,
            "SmsMessageSid": sid,
            "AccountSid": self._settings.sms_account,
            "From": sender,
            "To": to,
            "Body": body,
            "NumMedia": "0",
            "NumSegments": "1",
            "SmsStatus": "received",
            "ApiVersion": "2010-04-01",
        }
        url = self._settings.inbound_url
        return sid, (await self._post(url, form) if url else None)

    async def close(self) -> None:
        """Give up what is still to be told."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    async def _follow(self, sid: str, fails_with: int | None) -> None:
        await asyncio.sleep(self._settings.sent_after)
        if self._arrivals.texts[sid]["status"] == "canceled":
            return
        await self.report(sid, "sent")
        await asyncio.sleep(self._settings.sent_after)
        if fails_with is None:
            await self.report(sid, "delivered")
        else:
            await self.report(sid, "undelivered", fails_with)

    async def _post(self, url: str, form: dict[str, str]) -> int | None:
        headers = {"X-Twilio-Signature": sign(self._settings.sms_token, url, form), "User-Agent": "TwilioProxy/1.1"}
        status = None
        for wait in _TRIES:
            await asyncio.sleep(wait)
            try:
                answer = await self._client.post(url, data=form, headers=headers)
            except httpx.HTTPError:
                continue
            status = answer.status_code
            if status < 500:
                return status
        return status
