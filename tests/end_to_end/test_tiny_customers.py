"""The whole pipeline on customers whose scores a reader can add up, one by one."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from record_messages import framed, tensor_record
from tiny_customers import QUARANTINED, SCORES, TinyBusiness, published, quarantined
from tiny_model import tiny_score

from contracts.errors import CallerError
from runner.local_run import RunOptions
from runner.scores_head import head

pytestmark = pytest.mark.end_to_end

BUDGET = {"MaxQuarantineFraction": "0.25", "RunDate": "2026-11-23"}


@pytest.fixture(scope="module")
def business(tmp_path_factory: pytest.TempPathFactory) -> TinyBusiness:
    return TinyBusiness(tmp_path_factory.mktemp("business"))


@pytest.mark.parametrize("instance_count", [1, 2, 3])
@pytest.mark.parametrize("wire", ["parquet", "csv", "jsonlines", "recordio"])
def test_every_customer_gets_the_score_that_adds_up(
    business: TinyBusiness, wire: str, instance_count: int
) -> None:
    """Ids and scores one by one, in the order of the source, whatever the wire and the instances."""
    results = business.run(RunOptions(wire=wire, instance_count=instance_count, parameters=BUDGET))

    scores = published(results)
    assert scores.column("customer_id").to_pylist() == list(SCORES)
    assert scores.column("score").to_pylist() == list(SCORES.values())
    assert scores.column("error").null_count == len(SCORES)
    assert results.counts == {"read": 14, "valid": 11, "quarantined": 3, "scored": 11, "unscorable": 0}
    assert set(scores.column("run_id").to_pylist()) == {results.record.run_id}


AWKWARD_IDS = [
    'q"uote',
    "back\\slash",
    "ünï ☃ \N{GRINNING FACE}",
    "com,ma",
    "two\nlines",
    "cr\r\n",
    "\u2028",
    "007",
]


def test_any_text_is_an_id_on_the_jsonlines_wire(tmp_path: Path) -> None:
    """And what is asked for stands beside the scores, which `results --head` shows."""
    quoted = ['"' + text.replace('"', '""') + '"' for text in AWKWARD_IDS]
    lines = "".join(f"{text},{age},plus,true\n" for age, text in enumerate(quoted, 25))
    business = TinyBusiness(tmp_path, "customer_id,age,plan,active\n" + lines)

    results = business.run(
        RunOptions(
            wire="jsonlines",
            parameters={"OutputFormat": "jsonlines", "KeepColumns": "active,age", "RunDate": "2026-11-23"},
        )
    )

    assert results.counts["quarantined"] == 0
    found = head(results, 100)
    assert found.column_names == [
        "customer_id",
        "score",
        "error",
        "active",
        "age",
        "model_package_arn",
        "run_id",
    ]
    expected = [(text, tiny_score(age, "plus", True), True, age) for age, text in enumerate(AWKWARD_IDS, 25)]
    columns = found.select(["customer_id", "score", "active", "age"]).to_pydict().values()
    assert list(zip(*columns, strict=True)) == expected
    assert head(results, 2).column("customer_id").to_pylist() == AWKWARD_IDS[:2]


def test_a_slip_in_keep_columns_starts_nothing(business: TinyBusiness) -> None:
    runs = business.state.run_ids()

    with pytest.raises(CallerError, match="'ages' is no field of the contract, did you mean 'age'"):
        business.run(RunOptions(parameters={**BUDGET, "KeepColumns": "ages"}))

    assert business.state.run_ids() == runs


@pytest.mark.parametrize("output_format", ["parquet", "csv"])
def test_ids_with_line_breaks_are_shown_from_every_output_format(tmp_path: Path, output_format: str) -> None:
    lines = "".join(f'"two\nlines {number}",{number},plus,true\n' for number in range(3))
    business = TinyBusiness(tmp_path, "customer_id,age,plan,active\n" + lines)

    results = business.run(RunOptions(parameters={"OutputFormat": output_format}))

    assert head(results, 9).column("customer_id").to_pylist() == [f"two\nlines {n}" for n in range(3)]


@pytest.mark.parametrize("wire", ["parquet", "recordio"])
def test_customers_may_come_as_recordio(tmp_path: Path, wire: str) -> None:
    """Dense vectors with a uid; a code that is no category and a damaged frame are held back."""
    business = TinyBusiness(tmp_path / "b")
    (business.source / "customers.csv").unlink()
    missing = float("nan")
    vectors = {"C1": [20, 0, 1], "C2": [40, 2, 0], "C3": [missing, missing, missing], "C4": [29, 3, 0]}
    frames = [framed(tensor_record(vector, uid=uid)) for uid, vector in vectors.items()]
    content = b"".join([*frames, b"damaged", framed(tensor_record([0, 1, 1], uid="C5"))])
    (business.source / "customers.recordio").write_bytes(content)

    results = business.run(RunOptions(wire=wire, parameters={**BUDGET, "MaxQuarantineFraction": "0.5"}))

    scores = published(results)
    assert dict(
        zip(scores.column("customer_id").to_pylist(), scores.column("score").to_pylist(), strict=True)
    ) == {
        "C1": tiny_score(20, "basic", True),
        "C2": tiny_score(40, "pro", False),
        "C3": tiny_score(None, None, None),
        "C5": tiny_score(0, "plus", True),
    }
    found = [(row["line_number"], row["reason_code"], row["raw"]) for row in quarantined(results)]
    assert found == [(4, "unseen_category", frames[3]), (5, "malformed_record", b"damaged")]


def test_several_prepare_instances_find_the_same(tmp_path: Path) -> None:
    """The sharded form: two instances prepare two objects, and their plans are added up."""
    business = TinyBusiness(tmp_path / "b")
    header, *lines = (business.source / "customers.csv").read_text().splitlines(keepends=True)
    (business.source / "customers.csv").unlink()
    (business.source / "a.csv").write_text(header + "".join(lines[:4]))
    (business.source / "b.csv").write_text(header + "".join(lines[4:]))

    results = business.run(
        RunOptions(prepare="sharded", parameters={**BUDGET, "ProcessingInstanceCount": "2"})
    )

    scores = published(results)
    found = dict(
        zip(scores.column("customer_id").to_pylist(), scores.column("score").to_pylist(), strict=True)
    )
    assert found == SCORES
    assert results.counts["quarantined"] == 3


def test_a_customer_delivered_to_two_prepare_instances_is_scored_once(tmp_path: Path) -> None:
    """Neither instance can know it; the report holds the later record back and counts it."""
    business = TinyBusiness(tmp_path / "b")
    header, *lines = (business.source / "customers.csv").read_text().splitlines(keepends=True)
    (business.source / "customers.csv").unlink()
    (business.source / "a.csv").write_text(header + "".join(lines[:4]))
    (business.source / "b.csv").write_text(
        header + "".join(lines[4:]) + "C2,20,pro,true,again\nC13,20,pro,,\n"
    )

    results = business.run(
        RunOptions(
            prepare="sharded",
            parameters={"MaxQuarantineFraction": "0.35", "ProcessingInstanceCount": "2"},
        )
    )

    scores = published(results)
    ids = scores.column("customer_id").to_pylist()
    assert dict(zip(ids, scores.column("score").to_pylist(), strict=True)) == SCORES
    assert len(ids) == len(SCORES)
    assert results.counts == {"read": 16, "valid": 11, "quarantined": 5, "scored": 11, "unscorable": 0}
    assert results.facts is not None
    assert results.facts.reason_counts["duplicate_id"] == 2
    assert results.quarantine is not None
    (late,) = pq.read_table(results.quarantine.parent / "late_quarantine" / "late.parquet").to_pylist()
    assert (late["source_key"], late["line_number"]) == ("b.csv", 13)
    assert results.report is not None
    assert "/late_quarantine/</code>" in results.report.read_text(encoding="utf-8")
    assert "'C2' stands in 2 valid records; the first is a.csv line 3" in late["message"]


def test_each_quarantined_customer_keeps_line_reason_and_bytes(business: TinyBusiness) -> None:
    rows = quarantined(business.run(RunOptions(parameters=BUDGET)))

    found = {row["line_number"]: (row["reason_code"], row["field"], row["raw"]) for row in rows}
    assert found == QUARANTINED
    assert {row["source_key"] for row in rows} == {"customers.csv"}


def test_the_ledger_and_the_pointer_name_the_run(business: TinyBusiness) -> None:
    results = business.run(RunOptions(parameters=BUDGET))

    assert results.facts is not None
    assert results.facts.run_date == "2026-11-23"
    assert results.facts.reason_counts == {"above_maximum": 1, "missing_required": 1, "wrong_type": 1}
    pointer = json.loads((business.output / "pointer" / "latest.json").read_text())
    assert pointer["run_id"] == results.record.run_id
    assert results.report is not None
    assert results.report.read_text(encoding="utf-8").lower().startswith("<!doctype html>")


def test_what_was_scored_is_a_registered_package_that_waits_for_approval(business: TinyBusiness) -> None:
    results = business.run(RunOptions(parameters={**BUDGET, "ModelPackageGroupName": "shop"}))

    (package,) = business.state.registry.packages("shop")
    assert package.approval_status == "PendingManualApproval"
    assert results.facts is not None
    assert results.facts.model_package_arn == package.arn


def test_the_second_run_finds_what_the_first_one_published(tmp_path: Path) -> None:
    """Its scores beside the last run's, and the overlap of both action lists."""
    business = TinyBusiness(tmp_path)
    first = business.run(RunOptions(parameters=BUDGET))
    second = business.run(RunOptions(parameters=BUDGET))
    assert first.facts is not None
    assert second.facts is not None
    assert first.facts.report["last_run"] is None
    assert second.facts.report["last_run"]["run_id"] == first.record.run_id
    overlap = second.facts.report["actions"]["overlap"]
    assert overlap == {"stayed": len(SCORES), "joined": 0, "left": 0}
