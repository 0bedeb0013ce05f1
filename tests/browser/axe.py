"""axe over a page: what a machine can tell of its accessibility."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page

_AXE: Final = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
_UNFOLD: Final = "() => document.querySelectorAll('details').forEach(each => each.open = true)"
_RUN: Final = """
async ([grave, rules]) => (await axe.run(document, {
  resultTypes: ["violations"], preload: false, ...(rules && {runOnly: {type: "rule", values: rules}})})).violations
  .filter(each => grave.includes(each.impact))
  .map(each => ({id: each.id, impact: each.impact, help: each.help, nodes: each.nodes.map(
    node => node.html.slice(0, 200) + " " + node.failureSummary)}))
"""
_SETTLED: Final = """
() => Promise.allSettled(document.getAnimations()
  .filter(each => each.effect.getComputedTiming().endTime !== Infinity).map(each => each.finished))
"""
_GRAVE: Final = ("serious", "critical")
OF_LOOKS: Final = ("color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size")
"""The rules to which it matters whether the page is light or dark, and how wide it is."""


def unfold(page: Page) -> None:
    """Open every fold: nobody judges what is hidden, neither axe nor the width of the window."""
    page.evaluate(_UNFOLD)


def findings(page: Page, rules: Sequence[str] | None = None) -> Sequence[str]:
    """The serious and critical findings, each with the places where it holds; folded ones are opened for it.

    Args:
        page: The page.
        rules: The rules to hold it to; None means all.
    """
    unfold(page)
    # colours that still move are neither those before nor those after
    page.evaluate(_SETTLED)
    # evaluated by the debugger's protocol: the page's own policy lets no script in
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_AXE)
    found: list[dict[str, Any]] = page.evaluate(_RUN, [list(_GRAVE), rules and list(rules)])
    return [f"{each['impact']} {each['id']}: {each['help']}\n  " + "\n  ".join(each["nodes"][:5]) for each in found]
