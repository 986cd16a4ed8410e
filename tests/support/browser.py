"""Open pages in the system's Chromium, cut off from every network, and measure what a person would meet."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")

NO_CHROMIUM = (
    f"none of {', '.join(CHROMIUM_NAMES)} is on the PATH; "
    "get one with `apt-get install chromium` (as root, `make test-browser` does)"
)

FLAGS = ("--disable-gpu", "--disable-quic")
"""Beside Playwright's own, which turn off the sandbox and everything that Chromium does in the background."""

DESKTOP, PHONE = 1280, 360
"""Widths in CSS pixels."""

MARKS_OF = "g.mark-group.role-frame g[class*='role-mark'] > *"
"""What Vega draws for data inside one chart: bars, lines, points; not axes, grids or titles."""


def chromium_path() -> str | None:
    """Return where the system's Chromium is, None where there is none."""
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


@dataclass(frozen=True, kw_only=True)
class OpenPage:
    """One page in a window of its own: what it asked for, and what it said."""

    page: Page
    address: str
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def run(self, script: str, argument: Any = None) -> Any:
        """Return what a JavaScript function finds on the page, as JSON would carry it."""
        return self.page.evaluate(script, argument)

    def open_all_details(self) -> None:
        """Open everything that is folded away."""
        self.run("() => document.querySelectorAll('details').forEach(one => { one.open = true; })")

    def severe_violations(self) -> list[str]:
        """Return what axe-core finds serious or critical, each with the elements it is about."""
        found = Axe().run(self.page, options={"resultTypes": ["violations"]}).response["violations"]
        return [
            f"{one['id']}: {one['help']}: {[node['html'][:160] for node in one['nodes']]}"
            for one in found
            if one["impact"] in ("serious", "critical")
        ]


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Start Chromium without a window. While it runs, this thread has a running event loop."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Browser, path: Path, *, width: int = DESKTOP, scheme: Any = "light"
) -> Iterator[OpenPage]:
    """Open a file in a new offline window, whose page may load that file and nothing else.

    The page's own content security policy is bypassed, so that what it must not contain would really run.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True, bypass_csp=True
    )
    try:
        page = context.new_page()
        found = OpenPage(page=page, address=path.as_uri())
        page.on("request", lambda request: found.requests.append(request.url))
        page.on("console", lambda message: found.messages.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: found.messages.append(f"error: {error}"))
        page.goto(found.address, wait_until="load")
        yield found
    finally:
        context.close()


CONTRASTS = """() => {
  const channels = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const luminance = ([r, g, b]) => {
    const linear = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    const [x, y, z] = [r / 255, g / 255, b / 255].map(linear);
    return .2126 * x + .7152 * y + .0722 * z;
  };
  const backOf = element => {
    for (let one = element; one; one = one.parentElement) {
      const back = channels(getComputedStyle(one).backgroundColor);
      if (back.length === 3 || back[3] === 1) return back;
    }
    return [255, 255, 255];
  };
  const hasText = element => [...element.childNodes].some(one => one.nodeType === 3 && one.data.trim());
  return [...document.body.querySelectorAll('*')]
    .filter(one => hasText(one) && one.checkVisibility() && !one.closest('title, desc, style'))
    .map(one => {
      const style = getComputedStyle(one);
      const ink = channels(one.namespaceURI.endsWith('svg') ? style.fill : style.color);
      const [a, b] = [luminance(ink), luminance(backOf(one))];
      return {
        text: one.textContent.trim().slice(0, 60), isDrawn: one.namespaceURI.endsWith('svg'),
        ratio: (Math.max(a, b) + .05) / (Math.min(a, b) + .05),
      };
    });
}"""
"""The WCAG contrast of each visible text with the first opaque background behind it, in drawings too."""

CHARTS = """marksOf => [...document.querySelectorAll('figure')].map(figure => {
  const svg = figure.querySelector('svg');
  if (!svg) return {id: figure.id, marks: [], frame: null};
  const box = one => {
    const {left, top, right, bottom, width, height} = one.getBoundingClientRect();
    return {left, top, right, bottom, width, height};
  };
  return {id: figure.id, frame: box(svg), marks: [...svg.querySelectorAll(marksOf)].map(box)};
})"""
"""The box of each figure's drawing and of each of its marks, in CSS pixels."""

FOCUSABLE = "summary, a[href], [tabindex='0']"

TAB_STOP = """selector => {
  const one = document.activeElement, style = getComputedStyle(one);
  return {
    index: [...document.querySelectorAll(selector)].indexOf(one),
    ring: style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth),
  };
}"""
"""Which of the focusable elements has the focus (-1: none of them), and its ring's width in CSS pixels."""
