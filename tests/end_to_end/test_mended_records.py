"""What was held back is written out, mended, and scored: exactly those records, and each of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_customers import CUSTOMERS, SCORES, TinyBusiness, published, quarantined

from contracts.errors import RunFailedError
from runner.local_run import RunOptions, new_run_id, run_locally
from runner.preflight import RunPlaces
from runner.quarantine_command import QuarantineRequest, quarantine_command
from runner.results import results_of
from runner.summary import print_summary

pytestmark = pytest.mark.end_to_end

DAMAGED = CUSTOMERS + 'C15,20x,plus,true,"two\nlines, ""quoted"""\nC16,20,basic,true,"open\nC17,40,pro\n'
BUDGET = {"MaxQuarantineFraction": "0.9"}


def test_mended_records_are_scored_and_no_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    business = TinyBusiness(tmp_path / "business", DAMAGED)
    first = business.run(RunOptions(parameters=BUDGET))
    assert first.counts["quarantined"] == 6
    print_summary(first)
    assert (
        f"`batchscore quarantine {first.record.run_id}` shows them"
        in capsys.readouterr().out.splitlines()[-1]
    )
    assert Path(first.as_json()["quarantine_digest"]).name == "algo-1.digest.html"
    to_mend = tmp_path / "to-mend"
    quarantine_command(QuarantineRequest(state=business.state.root, write_folder=to_mend))
    assert f"--input {to_mend}" in capsys.readouterr().out
    replaced = {b",131,": b",30,", b",thirty,": b",30,", b"20x": b"20", b"\n,40,": b"\nC12,40,"}
    replaced |= {b'"open': b"open", b"C17,40,pro\n": b"C17,40,pro,true,\n"}
    for path in to_mend.iterdir():
        if not path.name.endswith(".reasons.csv"):
            content = path.read_bytes()
            for found, mended in replaced.items():
                content = content.replace(found, mended)
            path.write_bytes(content)

    places = RunPlaces(
        contract=business.contract, model=business.model, source=str(to_mend), output=str(tmp_path / "second")
    )
    record = run_locally(places, RunOptions(), business.state, new_run_id(), lambda _event: None)
    second = results_of(record, business.state)

    scores = published(second)
    found_scores = dict(
        zip(scores.column("customer_id").to_pylist(), scores.column("score").to_pylist(), strict=True)
    )
    assert found_scores == {
        'C"10"': 0.5 + 2 + 10 + 200,
        "C11": 0.5 + 2 + 10 + 200,
        "C12": 0.5 + 2 + 10 + 200,
        "C15": 0.5 + 1 + 20 + 200,
        "C16": 0.5 + 1 + 10 + 200,
        "C17": 0.5 + 2 + 30 + 200,
    }
    assert second.counts["read"] == 6
    assert not set(found_scores) & set(SCORES)


def test_what_was_not_mended_is_held_back_again_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    business = TinyBusiness(tmp_path / "business", DAMAGED)
    first = business.run(RunOptions(parameters=BUDGET))
    quarantine_command(QuarantineRequest(state=business.state.root, write_folder=tmp_path / "to-mend"))
    capsys.readouterr()
    for path in (tmp_path / "to-mend").iterdir():
        path.rename(business.source / path.name)
    (business.source / "customers.csv").unlink()

    with pytest.raises(RunFailedError, match="FailErrorBudget"):
        business.run(RunOptions(parameters=BUDGET))

    def kinds(rows: list[dict[str, object]]) -> list[tuple[object, ...]]:
        return sorted((row["raw"], row["reason_code"], row["field"], row["message"]) for row in rows)

    assert kinds(quarantined(business.newest())) == kinds(quarantined(first))
