"""Run the report on a tiny run in this process, as its entry point would."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from bs4 import BeautifulSoup
from tiny_run import TinyRun

from contracts.ledger import LEDGER_FILE, REPORT_FILE, RunLedger, read_ledger
from reporting.drawing import draw_page
from reporting.request import ReportPaths, parse_request
from reporting.run import Surroundings, report_run

NOW = dt.datetime(2026, 11, 23, 6, 1, 40, tzinfo=dt.timezone.utc)


@dataclass(frozen=True, kw_only=True)
class Reported:
    """What one report left on disk."""

    paths: ReportPaths
    scores_folder: Path
    ledger: RunLedger
    html: str

    @property
    def page(self) -> BeautifulSoup:
        """The report, parsed."""
        return BeautifulSoup(self.html, "html.parser")

    @property
    def shown(self) -> dict[str, str]:
        """Every number of the page by what it is of."""
        return {one["data-of"]: one["value"] for one in self.page.find_all("data")}

    @property
    def evaluation(self) -> dict[str, Any]:
        """The evaluation document."""
        return json.loads((self.paths.report / "evaluation.json").read_text())

    @property
    def scores(self) -> pa.Table:
        """All published scores, in the order of the shards."""
        parts = sorted(self.scores_folder.glob("part-*.parquet"))
        return pa.concat_tables([pq.ParquetFile(part).read() for part in parts])


def surroundings(**changed: Any) -> Surroundings:
    """Return the surroundings of a report in this process."""
    return Surroundings(now=lambda: NOW, announce=lambda _: None, worker_count=2, **changed)


def report(root: Path, run: TinyRun, **changed: str) -> Reported:
    """Write the run below `root` and report it."""
    run.write(root)
    return report_again(root, run, **changed)


def report_again(root: Path, run: TinyRun, **changed: str) -> Reported:
    """Report a run that was written before, and perhaps spoilt since."""
    request, paths = parse_request(run.argv(**changed)), ReportPaths.below(root)
    report_run(request, paths, surroundings())
    return Reported(
        paths=paths,
        scores_folder=paths.scores / request.scores_folder,
        ledger=read_ledger(paths.report / "run.json"),
        html=(paths.report / "report.html").read_text(),
    )


def drawn_again(root: Path, ledger: dict[str, Any]) -> str:
    """Draw the page of a ledger below `root`, as `batchscore report` does, and return it."""
    source = root / "processing" / "input" / "drawing"
    source.mkdir(parents=True)
    (source / LEDGER_FILE).write_text(json.dumps(ledger))
    draw_page("draw", root)
    return (root / "processing" / "output" / "report" / REPORT_FILE).read_text()
