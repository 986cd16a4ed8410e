"""The same customers get the same scores, whatever they come in, travel in and go out in.

Each pair of formats meets in one of 16 runs; `make test-matrix` makes all 48.
"""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path

import pytest
from tiny_customers import SCORES, TinyBusiness
from tiny_formats import SOURCES, published_rows, valid_customers

from contracts.wire import WIRE_FORMATS
from runner.local_run import RunOptions

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def business(tmp_path_factory: pytest.TempPathFactory) -> TinyBusiness:
    return TinyBusiness(tmp_path_factory.mktemp("matrix"))


OUTPUT_FORMATS = ("parquet", "csv", "jsonlines")
ALL_RUNS = list(itertools.product(SOURCES, WIRE_FORMATS, OUTPUT_FORMATS))
PAIRED_RUNS = [
    (source, wire, OUTPUT_FORMATS[(number + place) % len(OUTPUT_FORMATS)])
    for number, source in enumerate(SOURCES)
    for place, wire in enumerate(WIRE_FORMATS)
]


def test_each_pair_of_formats_meets_in_a_run() -> None:
    for first, second in itertools.combinations(range(3), 2):
        met = {(run[first], run[second]) for run in PAIRED_RUNS}
        assert met == {(run[first], run[second]) for run in ALL_RUNS}


@pytest.mark.parametrize(
    ("source_format", "wire", "output_format"), ALL_RUNS if os.environ.get("MATRIX") == "all" else PAIRED_RUNS
)
def test_scores_are_equal_whatever_the_formats(
    business: TinyBusiness, source_format: str, wire: str, output_format: str
) -> None:
    """Four inputs, four wires, three outputs: ids, scores and a kept column, in the order of the source."""
    _deliver(business.source, source_format)
    parameters = {"OutputFormat": output_format, "KeepColumns": "plan"}

    results = business.run(RunOptions(wire=wire, parameters=parameters))

    rows = published_rows(results, output_format)
    found = [(row["customer_id"], row["score"], row["error"], row["plan"]) for row in rows]
    assert found == [
        (customer["customer_id"], SCORES[customer["customer_id"]], None, customer["plan"])
        for customer in valid_customers()
    ]
    assert {row["run_id"] for row in rows} == {results.record.run_id}
    assert len({row["model_package_arn"] for row in rows}) == 1


def _deliver(folder: Path, source_format: str) -> None:
    """Make the customers in one format the only source object."""
    shutil.rmtree(folder)
    folder.mkdir()
    name, write = SOURCES[source_format]
    (folder / name).write_bytes(write(valid_customers()))
