"""Members who walk in without a browser: the same forms, sent by httpx, for the crowd that a page needs."""

from __future__ import annotations

import itertools
import re
import time
from html import unescape
from typing import Any

import httpx

_numbers = itertools.count(1)


class Sink:
    """What arrived at the development sink."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, trust_env=False, timeout=20)

    def mails(self, to: str) -> list[dict[str, Any]]:
        """The mails to an address, newest first."""
        found: list[dict[str, Any]] = self._http.get("/api/messages", params={"to": to}).json()["messages"]
        return sorted(found, key=lambda each: each["at"], reverse=True)

    def wait_for(self, to: str, holding: str, *, past: int = 0, seconds: float = 30) -> str:
        """The text of the newest message to this address that holds these words, and comes after ``past`` others."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            mails = self.mails(to)
            for message in mails[: len(mails) - past]:
                text = message.get("text") or message.get("body") or ""
                if re.search(holding, text):
                    return str(text)
            time.sleep(0.1)
        raise AssertionError(f"no message holding {holding!r} came to the address in {seconds} s")

    def code(self, to: str, *, past: int = 0) -> str:
        """The newest six-digit code that was sent to this address, after ``past`` other messages."""
        found = re.search(r"\b(\d{6})\b", self.wait_for(to, r"\b\d{6}\b", past=past))
        assert found
        return found.group(1)

    def order(self, **faults: Any) -> None:
        """Order a fault of mail or sms, or with nothing lift all."""
        self._http.put("/api/faults", json=faults).raise_for_status()


class Walker:
    """Fills in the form that is on the page and presses its button. Each comes from a network of their own."""

    def __init__(self, portal: str, sink: Sink) -> None:
        number = next(_numbers)
        self.sink = sink
        self.http = httpx.Client(
            base_url=portal,
            follow_redirects=True,
            trust_env=False,
            timeout=30,
            limits=httpx.Limits(max_keepalive_connections=0),  # a kept one may be closed just as it is used
            headers={"X-Forwarded-For": f"10.{number // 250}.{number % 250}.7", "Origin": portal},
        )
        self.page = httpx.Response(204)

    def open(self, path: str) -> None:
        """Open a page."""
        self.page = self.http.get(path)
        assert self.page.status_code == 200, (path, self.page.status_code)

    def press(self, action: str, **fields: Any) -> None:
        """Send the form with this address."""
        forms = re.findall(r'<form[^>]*method="post"[^>]*action="([^"]+)"[^>]*>(.*?)</form>', self.page.text, re.DOTALL)
        body = next((body for address, body in forms if address == action), None)
        assert body is not None, (action, self.page.url, [address for address, _ in forms])
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', body)
        self.page = self.http.post(action, data={**{name: unescape(value) for name, value in hidden}, **fields})
        assert self.page.status_code == 200, (action, self.page.status_code, self.page.text[-2000:])

    def join(
        self, alias: str, email: str, *, consents: tuple[str, ...] = ("meeting_changes.email", "feedback_ask.email")
    ) -> None:
        """From the first page to being a member."""
        past = len(self.sink.mails(email))
        self.open("/join")
        self.press("/join", alias=alias, channel="email", contact=email)
        self.press("/join/code", code=self.sink.code(email, past=past))
        if self.page.url.path == "/join/agreement":
            self.press("/join/agreement", role="lived_experience", agree="yes", consents=list(consents))
        assert self.page.url.path in ("/join/done", "/my/meetings"), self.page.url

    def take_seat(self, meeting_id: str, mode: str) -> None:
        """A seat, or a place in line."""
        self.open(f"/meetings/{meeting_id}")
        self.press(f"/meetings/{meeting_id}/seat", mode=mode)
