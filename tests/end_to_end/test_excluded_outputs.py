"""What a record must not get is not among its outputs, from any source, on both wires, in several formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_customers import TinyBusiness
from tiny_outputs import LARGEST_CONTRACT, OUTPUT_NAMES, make_tiny_outputs

from contracts.errors import CallerError
from runner.local_run import RunOptions
from runner.package import package_model
from runner.results import RunResults
from runner.scores_head import head

pytestmark = pytest.mark.end_to_end

CONTRACT = (
    LARGEST_CONTRACT.replace("primaryKey:", "  - {name: has, type: list, delimiter: ;}\nprimaryKey:")
    + "  exclude: has\n"
)
AGE, PLAN, ACTIVE = OUTPUT_NAMES
CUSTOMERS: list[tuple[str, list[str] | None, list[str]]] = [
    ("C1", None, [ACTIVE, PLAN]),
    ("C2", [ACTIVE], [PLAN, AGE]),
    ("C3", [PLAN, "unheard of"], [ACTIVE, AGE]),
    ("C4", [PLAN, AGE], [ACTIVE]),
    ("C5", list(OUTPUT_NAMES), []),
]
"""Id, what the customer has, what comes of it; the last one has everything."""


@pytest.fixture(scope="module")
def business(tmp_path_factory: pytest.TempPathFactory) -> TinyBusiness:
    business = TinyBusiness(tmp_path_factory.mktemp("excluded"))
    business.contract.write_text(CONTRACT)
    package_model(make_tiny_outputs(business.folder / "outputs.json"), business.contract, business.model)
    _deliver(business.source)
    return business


def _deliver(folder: Path) -> None:
    """Write some customers as CSV, one as JSON Lines, and the others as Parquet."""
    (folder / "customers.csv").unlink()
    lines = [f"{name},20,basic,true,{';'.join(has or [])}" for name, has, _ in CUSTOMERS[:2]]
    (folder / "1.csv").write_text(
        "customer_id,age,plan,active,has\n" + "\n".join([*lines, "C9,20,basic,true,;"])
    )
    common = {"age": 20, "plan": "basic", "active": True}
    name, has, _ = CUSTOMERS[2]
    (folder / "2.jsonl").write_text(json.dumps({"customer_id": name, "has": has, **common}))
    rows = [{"customer_id": name, "has": has, **common} for name, has, _ in CUSTOMERS[3:]]
    pq.write_table(pa.Table.from_pylist(rows), folder / "3.parquet")


def published(results: RunResults, output_format: str) -> list[dict[str, Any]]:
    assert results.scores is not None
    rows: list[dict[str, Any]] = []
    for path in sorted((results.scores / output_format).glob("part-*")):
        if output_format == "parquet":
            rows += pq.read_table(path, partitioning=None).to_pylist()
        else:
            rows += [json.loads(line) for line in path.read_text().splitlines()]
    return rows


@pytest.mark.parametrize("wire", ["arrow", "parquet"])
def test_nobody_gets_what_he_has(business: TinyBusiness, wire: str) -> None:
    """Both formats say the same; who has everything has an error, and a list that is none is held back."""
    parameters = {"OutputFormat": "parquet,jsonlines", "KeepColumns": "has", "MaxQuarantineFraction": "0.25"}
    results = business.run(RunOptions(wire=wire, parameters=parameters))
    found = published(results, "parquet")

    assert results.counts == {"read": 6, "valid": 5, "quarantined": 1, "scored": 4, "unscorable": 1}
    assert [(row["customer_id"], row["top"] or []) for row in found] == [
        (name, expected) for name, _, expected in CUSTOMERS
    ]
    assert [row["has"] for row in found] == [has for _, has, _ in CUSTOMERS]
    assert found[-1]["error"] == "all 3 outputs are excluded, so that none is left to be kept"
    assert published(results, "jsonlines") == found
    assert head(results, 3).to_pylist() == found[:3]


def test_a_wire_that_carries_no_lists_starts_no_run(business: TinyBusiness) -> None:
    with pytest.raises(
        CallerError, match=r"`scoring\.exclude` names the list 'has'.*take the wire arrow or parquet"
    ):
        business.run(RunOptions(wire="csv"))


def test_a_contract_that_excludes_is_another_one(business: TinyBusiness) -> None:
    """The model's contract is what the server goes by; one without exclusion would not see the list."""
    kept = business.contract.read_text()
    business.contract.write_text(kept.replace("  exclude: has\n", ""))
    try:
        with pytest.raises(CallerError, match="use the contract that the model was trained under"):
            business.run(RunOptions())
    finally:
        business.contract.write_text(kept)
