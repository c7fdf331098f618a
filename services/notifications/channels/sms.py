"""Texts through a provider that speaks Twilio's REST API (``/2010-04-01/Accounts/…/Messages.json``).

The API knows no idempotency key. So a request whose answer is lost is Unknown, and before anything is sent again
:meth:`SmsSender.find` asks the provider: a double text is worse than a late one. urllib3 gives way under eventlet.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import structlog
import urllib3
from urllib3 import exceptions
from urllib3.util import Timeout, make_headers

from services.notifications.channels import sms_codes
from services.notifications.messages import DOES_NOT_ANSWER, Accepted, Message, Permanent, Result, Transient, Unknown
from shared.runtime.clock import real_now

log = structlog.get_logger(__name__)

_BEFORE_SENDING = (
    exceptions.NewConnectionError,  # with NameResolutionError
    exceptions.ConnectTimeoutError,
    exceptions.ProxyError,
    exceptions.SSLError,
    exceptions.LocationValueError,
)
_VALID = (1, 36000)  # seconds the provider accepts as ValidityPeriod
_SKEW = timedelta(seconds=5)  # the provider's clock may be behind, and it counts in whole seconds
_PAGES = 5


@dataclass(frozen=True)
class SmsOptions:
    """The account, and from which number or service texts come."""

    account_sid: str
    auth_token: str = field(repr=False)
    sender: str = ""  # E.164, or a short code
    messaging_service_sid: str = ""  # instead of a sender
    status_callback: str = ""  # where delivery reports shall go
    base_url: str = "https://api.twilio.com"
    connect_timeout: float = 5.0
    timeout: float = 20.0
    settle_seconds: float = 10.0  # how long the provider's list may lag behind what it has taken


class SmsSender:
    """Implements :class:`services.notifications.messages.Sender`. Connections are kept by the pool."""

    def __init__(self, options: SmsOptions) -> None:
        self._options = options
        self._url = f"{options.base_url.rstrip('/')}/2010-04-01/Accounts/{options.account_sid}/Messages.json"
        self._headers = {
            **make_headers(basic_auth=f"{options.account_sid}:{options.auth_token}"),
            "Accept": "application/json",
        }
        self._doubtful: dict[str, datetime] = {}  # notices whose answer was lost, and when they were first sent
        self._pool = urllib3.PoolManager(
            maxsize=20,
            retries=False,
            timeout=Timeout(connect=options.connect_timeout, read=options.timeout),
        )

    def send(self, message: Message) -> Result:
        """Accepted bears the provider's id of the text (its sid)."""
        began = real_now()
        result = self._post(message)
        if isinstance(result, Transient) and result.reason == "login_refused":
            log.warning("sms_provider_unusable", reason=result.reason)
        if isinstance(result, Unknown):
            self._doubtful.setdefault(message.notice_id, began)
        else:
            self._doubtful.pop(message.notice_id, None)
        return result

    def _post(self, message: Message) -> Result:
        try:
            answer = self._pool.request(
                "POST",
                self._url,
                body=urlencode(self._form(message)),
                headers={**self._headers, "Content-Type": "application/x-www-form-urlencoded"},
                redirect=False,
            )
        except _BEFORE_SENDING:
            return Transient("no_connection")
        except (exceptions.HTTPError, OSError):
            return Unknown("no_answer")
        return _read(answer.status, answer.headers, answer.data)

    def find(self, message: Message) -> Result:
        """Whether the provider has this text: Accepted with its sid, Transient where it has not, Unknown where
        the provider does not answer. Waits until its list can be believed.

        Looked for is the same body to the same number since the first try (``message.first_tried``, else what this
        sender remembers); where that is not known, within the time for which the text is valid. Texts at the
        level "silent" are all alike.
        """
        tried = message.first_tried or self._doubtful.get(message.notice_id)
        since = (tried or real_now() - timedelta(seconds=message.valid_seconds)) - _SKEW
        believable = (tried or real_now()) + timedelta(seconds=self._options.settle_seconds)
        while True:
            asked_at = real_now()
            found = self._listed(message, since)
            if not (isinstance(found, Transient) and found.reason == "not_found" and asked_at < believable):
                return found
            time.sleep(max(0.05, min(1.0, (believable - asked_at).total_seconds())))

    def close(self) -> None:
        """Hang up."""
        self._pool.clear()

    # -- the two requests ---------------------------------------------------------------------

    def _form(self, message: Message) -> dict[str, str]:
        options = self._options
        form = {
            "To": message.to,
            "Body": message.words.text,
            "ValidityPeriod": str(max(_VALID[0], min(_VALID[1], message.valid_seconds))),
        }
        if options.messaging_service_sid:
            form["MessagingServiceSid"] = options.messaging_service_sid
        else:
            form["From"] = options.sender
        if options.status_callback:
            form["StatusCallback"] = options.status_callback
        return form

    def _listed(self, message: Message, since: datetime) -> Result:
        """Newest first. Filtered by recipient alone and by date here: a text that still waits has no DateSent yet,
        and a provider that filters by it would hide just the one that is looked for.
        """
        url = f"{self._url}?{urlencode({'To': message.to, 'PageSize': '100'})}"
        for _ in range(_PAGES):
            page = self._page(url)
            if not isinstance(page, dict):
                return page
            texts = [text for text in page.get("messages") or [] if _is_ours(text)]
            for text in texts:
                if _created(text) >= since and _says(text, message.words.text):
                    return Accepted(str(text.get("sid", "")))
            following = page.get("next_page_uri")
            # A path only: our credentials go to the provider and nowhere that an answer names.
            if not str(following).startswith("/2010-04-01/") or any(_created(text) < since for text in texts):
                break
            url = f"{self._options.base_url.rstrip('/')}{following}"
        return Transient("not_found", 0.0)

    def _page(self, url: str) -> dict[str, Any] | Unknown:
        try:
            answer = self._pool.request("GET", url, headers=self._headers, redirect=False)
            page = json.loads(answer.data) if answer.status == 200 else None
        except (exceptions.HTTPError, OSError, ValueError):
            page = None
        return page if isinstance(page, dict) else Unknown(DOES_NOT_ANSWER)


def _is_ours(text: Any) -> bool:
    return isinstance(text, dict) and str(text.get("direction", "outbound-api")).startswith("outbound")


def _says(text: Mapping[str, Any], body: str) -> bool:
    """A trial account puts a sentence of the provider's own in front."""
    return str(text.get("body") or "").endswith(body)


def _created(text: Mapping[str, Any]) -> datetime:
    """When the provider took it (RFC 2822). One without a readable date counts as just taken: rather held than doubled."""
    try:
        moment = parsedate_to_datetime(str(text["date_created"]))
    except (KeyError, ValueError):
        return datetime.max.replace(tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _read(status: int, headers: Mapping[str, str], body: bytes) -> Result:
    if status in (200, 201):
        return _taken(_json(body))
    if status in (502, 504):
        return Unknown(f"http_{status}")  # a gateway lost the answer: the provider behind it may have taken the text
    if status == 429:
        return Transient("too_many_requests", _retry_after(headers, 10.0))
    if status >= 500:
        return Transient(
            f"http_{status}", _retry_after(headers, 60.0), doubtful=True
        )  # it may have failed after taking it
    code = _json(body).get("code")
    if isinstance(code, int):
        return sms_codes.meaning(code)
    return sms_codes.meaning(20003) if status in (401, 403) else Permanent(f"http_{status}", alarm=True)


def _taken(facts: Mapping[str, Any]) -> Result:
    sid, code = facts.get("sid"), facts.get("error_code")
    if not isinstance(sid, str) or not sid:
        return Unknown("unreadable_answer")  # taken, but we cannot say as what
    failed = facts.get("status") == "failed" and isinstance(code, int)
    return sms_codes.meaning(code) if failed else Accepted(sid)


def _json(body: bytes) -> dict[str, Any]:
    try:
        facts = json.loads(body)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _retry_after(headers: Mapping[str, str], default: float) -> float:
    """Seconds, or an HTTP date (RFC 9110, 10.2.3); at most an hour."""
    said = headers.get("Retry-After", "").strip()
    if said.isdigit():
        return min(float(said), 3600.0)
    try:
        moment = parsedate_to_datetime(said)
    except ValueError:
        return default
    return min(max((moment - real_now()).total_seconds(), 1.0), 3600.0) if moment.tzinfo else default
