"""A customer base whose scores a reader can add up, and how to run it through the whole pipeline."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as pa_dataset
from tiny_model import TINY_CONTRACT, make_tiny_model

from emulator.run_record import RunRecord
from runner.local_run import RunOptions, new_run_id, run_locally
from runner.local_state import LocalState
from runner.package import package_model
from runner.preflight import RunPlaces
from runner.results import RunResults, results_of

CUSTOMERS = '''\
customer_id,age,plan,active,note
C1,20,basic,true,young
C2,40,basic,true,
C3,20,plus,true,"said ""hello"", twice"
C4,40,plus,false,
C5,20,pro,false,"two
lines"
C6,40,pro,true,
"C,7",,basic,true,no age
C8,30,,false,no plan
C9,29,plus,,nothing known
"C""10""",131,basic,true,too old
C11,thirty,basic,true,no number
,40,basic,true,no id
C13,130,pro,true,
007,0,basic,false,
'''

SCORES = {
    "C1": 0.5 + 1 + 10 + 200,
    "C2": 0.5 + 2 + 10 + 200,
    "C3": 0.5 + 1 + 20 + 200,
    "C4": 0.5 + 2 + 20 + 100,
    "C5": 0.5 + 1 + 30 + 100,
    "C6": 0.5 + 2 + 30 + 200,
    "C,7": 0.5 + 1 + 10 + 200,
    "C8": 0.5 + 2 + 10 + 100,
    "C9": 0.5 + 1 + 20 + 100,
    "C13": 0.5 + 2 + 30 + 200,
    "007": 0.5 + 1 + 10 + 100,
}
"""What each valid customer's score is; the terms are those of tiny_model. In the order of the source."""

QUARANTINED = {
    12: ("above_maximum", "age", b'"C""10""",131,basic,true,too old'),
    13: ("wrong_type", "age", b"C11,thirty,basic,true,no number"),
    14: ("missing_required", "customer_id", b",40,basic,true,no id"),
}
"""By line number, which counts the header and the line break inside C5's note."""


class TinyBusiness:
    """A folder with a model artifact, a contract and customers, ready to be run."""

    def __init__(self, folder: Path, customers: str = CUSTOMERS) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.contract = folder / "contract.yaml"
        self.contract.write_text(TINY_CONTRACT, encoding="utf-8")
        self.model = folder / "model.tar.gz"
        package_model(make_tiny_model(folder / "tiny.json"), self.contract, self.model)
        self.source = folder / "customers"
        self.source.mkdir()
        (self.source / "customers.csv").write_text(customers, encoding="utf-8", newline="")
        self.state = LocalState(root=folder / "state")
        self.output = folder / "out"

    @property
    def places(self) -> RunPlaces:
        """Where everything is."""
        return RunPlaces(
            contract=self.contract, model=self.model, source=str(self.source), output=str(self.output)
        )

    def run(self, options: RunOptions) -> RunResults:
        """Run the pipeline here and return what came of it."""
        record: RunRecord = run_locally(self.places, options, self.state, new_run_id(), lambda _event: None)
        return results_of(record, self.state)

    def newest(self) -> RunResults:
        """Return what came of the newest run, however it ended."""
        return results_of(self.state.run(None), self.state)


def published(results: RunResults) -> pa.Table:
    """Return all published scores of a run."""
    assert results.scores is not None
    files = sorted(str(path) for path in results.scores.glob("*.parquet"))
    return pa_dataset.dataset(files, format="parquet").to_table()


def quarantined(results: RunResults) -> list[dict[str, object]]:
    """Return every quarantined record of a run."""
    assert results.quarantine is not None
    files = sorted(str(path) for path in results.quarantine.glob("*.parquet"))
    rows: list[dict[str, object]] = pa_dataset.dataset(files, format="parquet").to_table().to_pylist()
    return rows
