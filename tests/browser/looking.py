"""What is looked for on every page: axe's rules, and that nothing is wider than a phone."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

RULES: dict[str, Any] = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
}
COLOURS: dict[str, Any] = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
SMALL = 24
"""Pixels: the least target of WCAG 2.2 (2.5.8). Links within a sentence are free of it."""

_TARGETS = """
least => [...document.querySelectorAll('button, input:not([type=hidden]), select, summary, a.button, nav a')]
  .filter(each => each.checkVisibility() && !each.closest('.unseen'))
  .filter(each => { const box = each.getBoundingClientRect(); return box.width < least || box.height < least; })
  .map(each => each.outerHTML.slice(0, 120))
"""


def wrong(page: Page, *, schemes: tuple[str, ...] = ("light", "dark")) -> list[str]:
    """What is wrong with the page that is open: in light all rules, in dark what depends on colours."""
    page.wait_for_load_state("load")  # a heading can be there before the style sheet is
    found: list[str] = []
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found += [f"{scheme}: {each}" for each in axe(page, RULES if scheme == schemes[0] else COLOURS)]
    page.emulate_media(color_scheme="light")
    width, seen = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    if width > seen:
        found.append(f"wider than the window: {width} pixels of {seen}")
    found += [f"target too small: {each}" for each in page.evaluate(_TARGETS, SMALL)]
    return found


def axe(page: Page, rules: dict[str, Any]) -> list[str]:
    """The violations that axe finds, each with its elements."""
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(AXE_SCRIPT)
    answer = page.evaluate("rules => axe.run(document, rules)", rules)
    return [f"{each['id']}: {[node['html'][:200] for node in each['nodes']]}" for each in answer["violations"]]


def heard(page: Page) -> str:
    """The page's main part as a person reads it."""
    return " ".join(page.locator("main").inner_text().split())
