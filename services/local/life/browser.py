"""A browser without JavaScript: it gets pages, keeps cookies, fills in the forms that are on a page, and sends them.

Nothing is sent that no form on the page asks for, hidden fields included: what works here works for a reader.
"""

from __future__ import annotations

import functools
import re
import ssl
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx

KEPT = 2.0
"""Seconds for which an idle connection is used again. uvicorn closes one after five, perhaps just as it is used."""
PATIENCE = 60.0
"""Seconds for one page, on a machine that does a hundred things at once."""
TRIES = 4
"""How often somebody presses again when a page says that the service cannot be reached at the moment. The form's
request id is the same, so that nothing is done twice; a form without one is sent once."""
_SILENT = frozenset({"script", "style", "head", "svg"})
_BLOCKS = frozenset(
    {"p", "div", "li", "h1", "h2", "h3", "h4", "tr", "section", "dt", "dd", "ul", "ol", "table", "form", "caption"}
)


@functools.cache
def _trust() -> ssl.SSLContext:
    """One for all windows: each would read the authorities anew, at a MB a window."""
    return httpx.create_ssl_context()


class Stuck(Exception):  # noqa: N818 - ends the story, told as a sentence
    """A page did not let us go on; the message says where, and what the page said."""


@dataclass
class Button:
    """One way to send a form."""

    text: str = ""
    name: str | None = None
    value: str = ""


@dataclass
class WebForm:
    """One form of a page, with what its fields hold now."""

    action: str
    method: str
    at: str
    values: list[tuple[str, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    options: dict[str, list[str]] = field(default_factory=dict)
    """What a choice offers, by the field's name."""
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    """The words of a list's entries and what each stands for, by the field's name."""
    buttons: list[Button] = field(default_factory=list)

    def value(self, name: str) -> str | None:
        """What a field holds."""
        return next((value for each, value in self.values if each == name), None)

    def fill(self, **typed: str | list[str]) -> Self:
        """Type into fields and choose among choices. Raises Stuck for what the form does not have."""
        for name, value in typed.items():
            many = value if isinstance(value, list) else [value]
            if name not in self.names:
                raise Stuck(f"{self.at}: the form has no field {name}; it has {', '.join(sorted(self.names))}")
            offered = self.options.get(name)
            if offered is not None and not set(many) <= set(offered):
                raise Stuck(f"{self.at}: {name} does not offer {many}; it offers {', '.join(offered)[:200]}")
            self.values = [pair for pair in self.values if pair[0] != name] + [(name, each) for each in many]
        return self

    def sent(self, button: str | None) -> list[tuple[str, str]]:
        """What goes out when the button with these words (the first one, if none are named) is pressed."""
        pressed = next((each for each in self.buttons if button is None or button in each.text), None)
        if pressed is None:
            found = ", ".join(each.text for each in self.buttons)
            raise Stuck(f"{self.at}: no button says {button!r}; there are: {found}")
        return [*self.values, *([(pressed.name, pressed.value)] if pressed.name else [])]


@dataclass
class Page:
    """A page that was got."""

    url: str
    status: int
    forms: list[WebForm]
    links: list[tuple[str, str]]  # address and words
    lines: list[str]
    ids: dict[str, str]

    @property
    def path(self) -> str:
        """Where it is, without host and query."""
        return urlsplit(self.url).path

    def says(self, words: str) -> bool:
        """Whether these words stand on it."""
        return any(words in line for line in self.lines)

    def find(self, pattern: str) -> re.Match[str] | None:
        """The first line in which this is found."""
        return next((found for line in self.lines if (found := re.search(pattern, line))), None)

    def form(self, action: str | None = None) -> WebForm:
        """The form that is sent to an address that ends so; the first one that changes something, if none is named."""
        for form in self.forms:
            ends = urlsplit(form.action).path.endswith(action) if action else form.method == "post"
            if ends:
                return form
        raise Stuck(f"{self.path} has no form {action or ''}. It says: {self.gist()}")

    def link(self, words: str) -> str:
        """Where the link with these words leads."""
        found = next((address for address, text in self.links if words in text), None)
        if found is None:
            raise Stuck(f"{self.path} has no link {words!r}. It says: {self.gist()}")
        return found

    def gist(self) -> str:
        """The beginning of what it says."""
        return " | ".join(self.lines[:14])[:500]


class Browser:
    """One window of one person. ``network`` is the address that the portal's reverse proxy would name."""

    def __init__(self, base: str, *, network: str | None = None) -> None:
        headers = {"Accept": "text/html", "Accept-Language": "en"}
        if network:
            headers["X-Forwarded-For"] = network
        self._client = httpx.Client(
            base_url=base,
            headers=headers,
            follow_redirects=True,
            timeout=PATIENCE,
            trust_env=False,
            verify=_trust(),
            limits=httpx.Limits(keepalive_expiry=KEPT),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the window."""
        self._client.close()

    def get(self, address: str) -> Page:
        """Go to a page."""
        return self._page(self._request("GET", address), (200,))

    def file(self, address: str) -> str:
        """Fetch a file, as text."""
        answer = self._request("GET", address)
        if answer.status_code != httpx.codes.OK:
            raise Stuck(f"{address}: {answer.status_code}")
        return answer.text

    def send(self, form: WebForm, button: str | None = None, *, expect: tuple[int, ...] = (200,)) -> Page:
        """Press a button, and follow where it leads. Raises Stuck with what the page says was wrong."""
        pairs = form.sent(button)
        body = {name: [value for each, value in pairs if each == name] for name, _ in pairs}
        return self._page(self._request("POST", form.action, body, {"Origin": self._origin(form.action)}), expect)

    def _origin(self, address: str) -> str:
        parts = urlsplit(address)
        return f"{parts.scheme}://{parts.netloc}"

    def _request(
        self,
        method: str,
        address: str,
        body: dict[str, list[str]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        again = TRIES if method == "GET" or (body and "request_id" in body) else 1
        while True:
            again -= 1
            try:
                answer = self._client.request(method, address, data=body, headers=headers)
            except httpx.HTTPError as error:
                raise Stuck(f"{urlsplit(address).path}: {type(error).__name__}") from error
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or not again:
                return answer
            time.sleep(2)

    def _page(self, answer: httpx.Response, expect: tuple[int, ...]) -> Page:
        page = read_page(str(answer.url), answer.status_code, answer.text)
        if answer.status_code not in expect:
            raise Stuck(f"{page.path} answered {answer.status_code}: {page.gist()}")
        return page


def read_page(url: str, status: int, text: str) -> Page:
    """What of a page matters to its reader."""
    reader = _Reader(url)
    reader.feed(text)
    reader.close()
    reader.line()
    return Page(url, status, reader.forms, reader.links, reader.lines, reader.ids)


class _Reader(HTMLParser):
    """Collects forms, links and lines of text."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.forms: list[WebForm] = []
        self.links: list[tuple[str, str]] = []
        self.lines: list[str] = []
        self.ids: dict[str, str] = {}
        self._form: WebForm | None = None
        self._words: list[str] = []
        self._catching: list[str] = []  # words of a button, a link, a text area or an element with an id
        self._link: str | None = None
        self._button: Button | None = None
        self._select: str | None = None
        self._area: str | None = None
        self._entry: str | None = None
        self._id: str | None = None
        self._silent = 0

    def line(self) -> None:
        """Begin a new line."""
        words = " ".join("".join(self._words).split())
        if words:
            self.lines.append(words)
        self._words = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin an element."""
        given = {name: value or "" for name, value in attrs}
        if tag in _SILENT:
            self._silent += 1
        if tag in _BLOCKS or tag == "br":
            self.line()
        if tag in {"td", "th"}:
            self._words.append("  ")
        if tag == "form":
            action = urljoin(self._url, given.get("action", "") or self._url)
            self._form = WebForm(action, given.get("method", "get").lower(), urlsplit(self._url).path)
            self.forms.append(self._form)
        elif self._form is not None:
            self._begin_field(self._form, tag, given)
        if tag == "a" and "href" in given:
            self._link, self._catching = urljoin(self._url, given["href"]), []
        if "id" in given and tag in {"span", "code"}:
            self._id, self._catching = given["id"], []

    def _begin_field(self, form: WebForm, tag: str, given: dict[str, str]) -> None:
        name = given.get("name", "")
        if tag == "input":
            self._input(form, given)
        elif tag == "select":
            self._select = name
            form.names.add(name)
            form.options[name] = []
        elif tag == "option" and self._select is not None:
            self._option(form, self._select, given)
        elif tag == "textarea":
            self._area, self._catching = name, []
            form.names.add(name)
        elif tag == "button":
            self._button = Button(name=given.get("name"), value=given.get("value", ""))
            self._catching = []
            form.buttons.append(self._button)

    def _input(self, form: WebForm, given: dict[str, str]) -> None:
        name, kind = given.get("name"), given.get("type", "text")
        if not name or kind in {"submit", "image", "reset", "button"}:
            return
        form.names.add(name)
        if kind in {"radio", "checkbox"}:
            form.options.setdefault(name, []).append(given.get("value", "on"))
            if "checked" in given:
                form.values.append((name, given.get("value", "on")))
        elif kind != "file":
            form.values.append((name, given.get("value", "")))

    def _option(self, form: WebForm, name: str, given: dict[str, str]) -> None:
        first = not form.options[name]
        form.options[name].append(given.get("value", ""))
        self._entry = given.get("value", "")
        if first or "selected" in given:
            form.values = [pair for pair in form.values if pair[0] != name] + [(name, given.get("value", ""))]

    def handle_endtag(self, tag: str) -> None:
        """End an element."""
        caught = " ".join("".join(self._catching).split())
        if tag in _SILENT:
            self._silent -= 1
        if tag in _BLOCKS:
            self.line()
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = self._entry = None
        elif tag == "textarea" and self._area is not None and self._form:
            self._form.values.append((self._area, "".join(self._catching).lstrip("\n")))
            self._area = None
        elif tag == "button" and self._button is not None:
            self._button.text, self._button = caught, None
        elif tag == "a" and self._link is not None:
            self.links.append((self._link, caught))
            self._link = None
        elif tag in {"span", "code"} and self._id is not None:
            self.ids[self._id], self._id = caught, None

    def handle_data(self, data: str) -> None:
        """Take text."""
        if self._silent:
            return
        self._catching.append(data)
        if self._select is not None and self._entry is not None and self._form and data.strip():
            self._form.labels.setdefault(self._select, {})[" ".join(data.split())] = self._entry
        if self._select is None and self._area is None:
            self._words.append(data)
