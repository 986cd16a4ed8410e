"""`python tests/support/screenshots.py PATH/report.html`: take the pictures of a report for the docs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from browser import DESKTOP, PHONE, opened, running_browser

IMAGES = Path(__file__).parents[2] / "docs" / "images"

LOOKS = {"light": (DESKTOP, 900, "light"), "dark": (DESKTOP, 900, "dark"), "phone": (PHONE, 760, "light")}
"""Width and height in CSS pixels and colour scheme of `report-<name>.png`."""


def take_screenshots(report: Path, folder: Path = IMAGES) -> list[Path]:
    """Write one picture of the top of the page for each of LOOKS, and return where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = []
    with running_browser() as browser:
        for name, (width, height, scheme) in LOOKS.items():
            with opened(browser, report.resolve(), width=width, scheme=scheme) as seen:
                seen.page.set_viewport_size({"width": width, "height": height})
                taken.append(folder / f"report-{name}.png")
                seen.page.screenshot(path=taken[-1])
    return taken


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path, help="a run's report.html")
    for path in take_screenshots(parser.parse_args().report):
        sys.stdout.write(f"{path}\n")
