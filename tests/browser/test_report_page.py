"""What a person meets who opens a report: it is whole, true, legible and reachable, and runs nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from browser import CHARTS, CONTRASTS, DESKTOP, FOCUSABLE, MARKS_OF, PHONE, TAB_STOP, OpenPage, opened
from playwright.sync_api import Browser
from report_run import Reported
from shown_numbers import ledger_numbers

pytestmark = pytest.mark.functional

MAX_PAGE_BYTES = 2_000_000
LEAST_CONTRAST = 4.5
"""WCAG 2.2, success criterion 1.4.3, for text of ordinary size."""

LOOKS = [
    ("whole", DESKTOP, "light"),
    ("whole", DESKTOP, "dark"),
    ("whole", PHONE, "light"),
    ("hostile", DESKTOP, "dark"),
    ("hostile", PHONE, "light"),
    ("unlabelled", PHONE, "dark"),
    ("single record", PHONE, "light"),
]
"""Report, width and colour scheme; axe-core takes a second for each."""


def _page_of(done: Reported) -> Path:
    return done.paths.report / "report.html"


def test_the_page_is_one_small_file_that_asks_for_nothing_and_complains_of_nothing(
    browser: Browser, done: Reported
) -> None:
    with opened(browser, _page_of(done)) as seen:
        seen.open_all_details()
        assert seen.requests == [seen.address]
        assert seen.messages == []
        assert seen.page.title()
    assert _page_of(done).stat().st_size < MAX_PAGE_BYTES


def test_nothing_from_the_data_runs(browser: Browser, reports: dict[str, Reported]) -> None:
    with opened(browser, _page_of(reports["hostile"])) as seen:
        seen.open_all_details()
        assert "window.pwned=1" in seen.page.inner_text("body")
        assert seen.run("() => 'pwned' in window") is False
        assert seen.run("() => document.scripts.length") == 0


def test_every_number_of_the_page_is_the_ledgers(browser: Browser, done: Reported) -> None:
    ledger = json.loads((done.paths.report / "run.json").read_bytes())
    with opened(browser, _page_of(done)) as seen:
        shown = seen.run(
            "() => [...document.querySelectorAll('data')].map(one => [one.dataset.of, one.value])"
        )
    assert len(shown) >= 10
    assert {name for name, value in shown if float(value) not in ledger_numbers(ledger, name)} == set()


def test_every_figure_has_a_drawing_whose_marks_are_there_and_inside(
    browser: Browser, done: Reported
) -> None:
    with opened(browser, _page_of(done)) as seen:
        charts = seen.run(CHARTS, MARKS_OF)
    assert charts
    for chart in charts:
        frame, marks = chart["frame"], chart["marks"]
        assert frame["width"] > 200, chart["id"]
        assert frame["height"] > 100, chart["id"]
        assert [mark for mark in marks if mark["width"] or mark["height"]], chart["id"]
        assert [mark for mark in marks if not _is_inside(mark, frame)] == [], chart["id"]


def _is_inside(box: dict[str, float], frame: dict[str, float]) -> bool:
    """Whether a mark is inside its drawing, but for half the width of its line."""
    return (
        frame["left"] - 2 <= box["left"] <= box["right"] <= frame["right"] + 2
        and frame["top"] - 2 <= box["top"] <= box["bottom"] <= frame["bottom"] + 2
    )


def test_no_page_is_wider_than_its_window(browser: Browser, done: Reported) -> None:
    with opened(browser, _page_of(done)) as seen:
        assert _overflow(seen) == {}
        seen.open_all_details()
        assert _overflow(seen) == {}


def _overflow(seen: OpenPage) -> dict[int, int]:
    """Return the width of the page in each window that is narrower than it."""
    found = {}
    for width in (PHONE, 768, DESKTOP):
        seen.page.set_viewport_size({"width": width, "height": 800})
        found[width] = seen.run("() => document.documentElement.scrollWidth")
    return {window: page for window, page in found.items() if page > window}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_what_is_behind_it(browser: Browser, done: Reported, scheme: str) -> None:
    with opened(browser, _page_of(done), scheme=scheme) as seen:
        seen.open_all_details()
        texts = seen.run(CONTRASTS)
    assert len(texts) > 50
    assert any(text["isDrawn"] for text in texts)
    assert [text for text in texts if text["ratio"] < LEAST_CONTRAST] == []


def test_the_page_follows_into_the_dark(browser: Browser, reports: dict[str, Reported]) -> None:
    colours = []
    for scheme in ("light", "dark"):
        with opened(browser, _page_of(reports["rich"]), scheme=scheme) as seen:
            body = "getComputedStyle(document.body)"
            colours.append(seen.run(f"() => [{body}.color, {body}.backgroundColor]"))
    (ink, page), (dark_ink, dark_page) = colours
    assert _lightness(ink) + 0.5 < _lightness(page)
    assert _lightness(dark_page) + 0.5 < _lightness(dark_ink)


def _lightness(colour: str) -> float:
    return sum(int(text) for text in re.findall(r"\d+", colour)[:3]) / 3 / 255


@pytest.mark.parametrize(("name", "width", "scheme"), LOOKS)
def test_axe_finds_nothing_serious(
    browser: Browser, reports: dict[str, Reported], name: str, width: int, scheme: str
) -> None:
    with opened(browser, _page_of(reports[name]), width=width, scheme=scheme) as seen:
        seen.open_all_details()
        assert seen.severe_violations() == []


def test_the_keyboard_reaches_all_that_can_be_opened_or_scrolled(browser: Browser, done: Reported) -> None:
    with opened(browser, _page_of(done), width=PHONE) as seen:
        expected = seen.run(
            "selector => [...document.querySelectorAll(selector)]"
            ".flatMap((one, index) => one.checkVisibility() ? [index] : [])",
            FOCUSABLE,
        )
        stops: list[Any] = []
        for _ in expected:
            seen.page.keyboard.press("Tab")
            stops.append(seen.run(TAB_STOP, FOCUSABLE))
    assert [stop["index"] for stop in stops] == expected
    assert [stop for stop in stops if stop["ring"] < 1] == []


def test_enter_opens_what_is_folded(browser: Browser, reports: dict[str, Reported]) -> None:
    with opened(browser, _page_of(reports["rich"])) as seen:
        folded = seen.page.locator("details:not([open]) > summary").first
        folded.focus()
        is_open = "() => document.activeElement.parentElement.open"
        assert seen.run(is_open) is False
        seen.page.keyboard.press("Enter")
        assert seen.run(is_open) is True


def test_a_chart_stays_where_it_is_while_its_neighbour_shows_numbers(
    browser: Browser, reports: dict[str, Reported]
) -> None:
    tops = """() => [...document.querySelectorAll('[aria-labelledby=quality] .chart')]
        .map(chart => chart.getBoundingClientRect().top + window.scrollY)"""
    with opened(browser, _page_of(reports["whole"])) as seen:
        before = seen.run(tops)
        seen.page.locator("#lift summary").click()
        assert len(before) == 4
        assert seen.run(tops) == before


def test_on_paper_the_page_is_light_and_of_a_few_pages_in_its_reading_order(
    browser: Browser, done: Reported
) -> None:
    with opened(browser, _page_of(done), scheme="dark") as seen:
        paper = seen.page.pdf(format="A4", print_background=True)
        seen.page.emulate_media(media="print")
        assert _lightness(seen.run("() => getComputedStyle(document.body).backgroundColor")) > 0.9
        assert seen.page.locator(".verdict").is_visible()
        assert seen.run(CONTRASTS)
        assert [text for text in seen.run(CONTRASTS) if text["ratio"] < LEAST_CONTRAST] == []
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", paper)) <= 20
