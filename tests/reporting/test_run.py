"""A run whose books balance is published and verifiable; any other publishes nothing and says why."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest
from report_run import report, report_again, surroundings
from tiny_run import ARN, CONTRACT, TinyRun, TinyShard, quarantined, write_answers

from contracts.arrow_files import arrow_bytes
from contracts.errors import BatchScoreError, CallerError, InternalError, PlatformError
from contracts.ledger import RunCounts, read_ledger
from reporting import shards
from reporting.drawing_engine import Specification, render
from reporting.request import ReportPaths, parse_request
from reporting.run import report_run

pytestmark = pytest.mark.functional

FIRST = TinyShard.scored(["a", "b", "c"], [0.9, 0.2, 0.4], ["Yes", "No", None])
SECOND = TinyShard(ids=["d", "e"], labels=["Yes", "No"], answers=[("d", 0.7, None), ("e", None, "too odd")])
NAME = "shard-00-00000.parquet.out"


@pytest.mark.parametrize("wire_format", ["parquet", "csv", "jsonlines", "recordio"])
def test_a_balanced_run_is_counted_and_every_record_published(tmp_path: Path, wire_format: str) -> None:
    run = TinyRun(shards=[FIRST, SECOND], quarantined=[quarantined(7)], wire_format=wire_format)
    done = report(tmp_path, run)
    assert done.ledger.counts == RunCounts(read=6, valid=5, quarantined=1, scored=4, unscorable=1)
    assert done.ledger.labelled_count == 3
    assert done.ledger.timings == {
        "prepare_seconds": 1.5,
        "score_seconds": 98.5,
        "report_seconds": 0.0,
        "run_seconds": 100.0,
    }
    constants = {"model_package_arn": ARN, "run_id": "run-1"}
    published = [("a", 0.9, None), ("b", 0.2, None), ("c", 0.4, None), *SECOND.answers]
    assert done.scores.to_pylist() == [
        {"customer_id": record_id, "score": score, "error": error, **constants}
        for record_id, score, error in published
    ]


def test_success_names_every_file_with_its_checksum(tmp_path: Path) -> None:
    done = report(tmp_path, TinyRun(shards=[FIRST, SECOND]))
    success = json.loads((done.scores_folder / "_SUCCESS").read_text())
    assert success["record_count"] == 5
    assert [file["name"] for file in success["files"]] == sorted(
        path.name for path in done.scores_folder.glob("part-*")
    )
    for file in success["files"]:
        content = (done.scores_folder / file["name"]).read_bytes()
        assert (file["byte_count"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


def test_each_chart_is_drawn_once_beside_the_action_list(tmp_path: Path) -> None:
    """What the page shows of it comes from the ledger, and is the same to the letter."""
    run, drawn = TinyRun(shards=[FIRST, SECOND]), []

    def counted(whole: Specification) -> str:
        drawn.append(json.dumps(whole))
        return render(whole)

    run.write(tmp_path)
    around = surroundings(render=counted)
    report_run(parse_request(run.argv()), ReportPaths.below(tmp_path), around)

    ledger = read_ledger(ReportPaths.below(tmp_path).report / "run.json")
    assert len(drawn) == len(set(drawn)) == len(ledger.report["tables"]) > 1


def test_the_pointer_and_the_ledger_name_the_same_places(tmp_path: Path) -> None:
    done = report(tmp_path, TinyRun(shards=[FIRST]))
    pointer = json.loads((done.paths.pointer / "latest.json").read_text())
    assert pointer["scores"] == "s3://bucket/churn/scores/run_date=2026-11-23/run-1/"
    assert pointer["ledger"] == "s3://bucket/churn/runs/run-1/report/run.json"
    assert {name: pointer[name] for name in done.ledger.uris} == done.ledger.uris
    assert pointer["finished_at"] == done.ledger.finished_at == "2026-11-23T06:01:40+00:00"


def test_the_scores_folder_reads_as_one_partitioned_dataset(tmp_path: Path) -> None:
    done = report(tmp_path, TinyRun(shards=[FIRST, SECOND]))
    table = pq.read_table(done.paths.scores)
    assert table.num_rows == 5
    assert set(table.column("run_date").to_pylist()) == {"2026-11-23"}


def test_scores_can_be_published_as_csv(tmp_path: Path) -> None:
    done = report(tmp_path, TinyRun(shards=[SECOND]), output_format="csv")
    table = arrow_csv.read_csv(done.scores_folder / "part-shard-00-00000.csv")
    assert table.select(["customer_id", "score", "error"]).to_pylist() == [
        {"customer_id": "d", "score": 0.7, "error": ""},
        {"customer_id": "e", "score": None, "error": "too odd"},
    ]


def test_typed_ids_are_compared_by_value_on_the_csv_wire(tmp_path: Path) -> None:
    fields = [{"name": "customer_id", "type": "integer"}, *CONTRACT["fields"][1:]]
    run = TinyRun(
        shards=[TinyShard.scored([3, 12], [0.1, 0.2])],
        contract=CONTRACT | {"fields": fields},
        wire_format="csv",
    )
    assert report(tmp_path, run).scores.column("customer_id").to_pylist() == [3, 12]


def test_outputs_may_lie_in_sub_folders(tmp_path: Path) -> None:
    run = TinyRun(shards=[FIRST])
    transform = ReportPaths.below(run.write(tmp_path)).transform
    (transform / "shards").mkdir()
    (transform / NAME).rename(transform / "shards" / NAME)
    assert report_again(tmp_path, run).ledger.counts.scored == 3


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        (FIRST.answers[:2], "2 predictions for 3 records, 1 fewer than were sent"),
        ([*FIRST.answers, ("x", 0.5, None)], "4 predictions for 3 records, 1 more than were sent"),
    ],
)
def test_answers_without_ids_must_be_as_many_as_the_records(
    tmp_path: Path, answers: list[tuple[str, float, str | None]], fault: str
) -> None:
    """On the recordio wire, the order is all that ties an answer to its record."""
    run = TinyRun(shards=[FIRST], wire_format="recordio")
    paths = ReportPaths.below(run.write(tmp_path))
    write_answers(paths.transform / "shard-00-00000.recordio.out", answers, wire_format="recordio")

    with pytest.raises(InternalError, match=fault):
        report_again(tmp_path, run)


def _remove_output(paths: ReportPaths) -> None:
    (paths.transform / NAME).unlink()


def _add_output(paths: ReportPaths) -> None:
    shutil.copy(paths.transform / NAME, paths.transform / "stray.parquet.out")


def _repeat_output(paths: ReportPaths) -> None:
    (paths.transform / "again").mkdir()
    shutil.copy(paths.transform / NAME, paths.transform / "again" / NAME)


def _lose_a_prediction(paths: ReportPaths) -> None:
    write_answers(paths.transform / NAME, FIRST.answers[:2], wire_format="parquet")


def _gain_a_prediction(paths: ReportPaths) -> None:
    write_answers(paths.transform / NAME, [*FIRST.answers, ("x", 0.5, None)], wire_format="parquet")


def _swap_predictions(paths: ReportPaths) -> None:
    swapped = [FIRST.answers[0], FIRST.answers[2], FIRST.answers[1]]
    write_answers(paths.transform / NAME, swapped, wire_format="parquet")


def _spoil_output(paths: ReportPaths) -> None:
    (paths.transform / NAME).write_bytes(b"<html>Service unavailable</html>")


def _overwrite_a_page_header(paths: ReportPaths) -> None:
    content = (paths.transform / NAME).read_bytes()
    (paths.transform / NAME).write_bytes(content[:4] + b"\xff" * 16 + content[20:])


def _lose_the_quarantine(paths: ReportPaths) -> None:
    shutil.rmtree(paths.quarantine)


def _misstate_the_plan(paths: ReportPaths) -> None:
    plan = json.loads((paths.plan / "plan.json").read_text())
    (paths.plan / "plan.json").write_text(json.dumps(plan | {"record_count": 99}))


def _lose_a_kept_record(paths: ReportPaths) -> None:
    kept = pa.table({"customer_id": ["a"], "churn": ["Yes"]})
    (paths.kept / "shard-00-00000.arrow").write_bytes(arrow_bytes(kept))


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (_remove_output, r"1 of 2 outputs are missing: shard-00-00000\.parquet\.out"),
        (_add_output, r"1 outputs are of no shard in the manifest: stray\.parquet\.out"),
        (_repeat_output, r"1 outputs are there more than once: shard-00-00000"),
        (_lose_a_prediction, r"00000\.parquet\.out: 2 predictions for 3 records, 1 fewer than were sent"),
        (_gain_a_prediction, r"4 predictions for 3 records, 1 more than were sent"),
        (_swap_predictions, r"record 2 came back under the id 'c', expected 'b'"),
        (_spoil_output, r"00000\.parquet\.out: cannot be read as the parquet answers"),
        (_overwrite_a_page_header, r"00000\.parquet\.out: cannot be read as the parquet answers"),
        (_lose_the_quarantine, r"quarantine holds 0 records with the reason missing_required, .* states 1"),
        (_misstate_the_plan, r"plan\.json states 99 records read, the shard manifest 6"),
        (_lose_a_kept_record, r"keeps 1 ids, the manifest states 3"),
    ],
)
def test_books_that_do_not_balance_publish_nothing(
    tmp_path: Path, spoil: Callable[[ReportPaths], None], expected: str
) -> None:
    run = TinyRun(shards=[FIRST, SECOND], quarantined=[quarantined(7)])
    paths = ReportPaths.below(run.write(tmp_path))
    spoil(paths)
    with pytest.raises(InternalError, match=expected):
        report_again(tmp_path, run)
    assert _written(paths) == []


def _written(paths: ReportPaths) -> list[Path]:
    folders = (paths.scores, paths.report, paths.pointer)
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def test_every_faulty_shard_is_told_and_many_are_counted(tmp_path: Path) -> None:
    run = TinyRun(shards=[FIRST] * 9)
    transform = ReportPaths.below(run.write(tmp_path)).transform
    for path in transform.iterdir():
        write_answers(path, FIRST.answers[:1], wire_format="parquet")
    with pytest.raises(InternalError, match=r"00000.*00004.*; and 4 more"):
        report_again(tmp_path, run)


def test_a_contract_of_another_fingerprint_is_the_callers_fault(tmp_path: Path) -> None:
    run = TinyRun(shards=[FIRST])
    paths = ReportPaths.below(run.write(tmp_path))
    other = CONTRACT | {"missingValues": ["", "NA"]}
    (paths.contract / "contract.json").write_text(json.dumps(other))
    with pytest.raises(CallerError, match="fingerprint"):
        report_again(tmp_path, run)


def test_an_id_field_with_a_published_columns_name_is_refused(tmp_path: Path) -> None:
    fields = [{"name": "run_id", "type": "string"}, *CONTRACT["fields"][1:]]
    contract = CONTRACT | {"fields": fields, "primaryKey": "run_id"}
    with pytest.raises(CallerError, match="rename the field"):
        report(tmp_path, TinyRun(shards=[FIRST], contract=contract))


@pytest.mark.parametrize("count", [0, 2])
def test_the_contract_folder_must_hold_one_file(tmp_path: Path, count: int) -> None:
    run = TinyRun(shards=[FIRST])
    folder = ReportPaths.below(run.write(tmp_path)).contract
    (folder / "contract.json").unlink()
    for number in range(count):
        (folder / f"{number}.json").write_text("{}")
    with pytest.raises(CallerError, match="expected one contract file"):
        report_again(tmp_path, run)


def test_a_lost_kept_file_is_the_platforms_fault_and_names_the_place(tmp_path: Path) -> None:
    run = TinyRun(shards=[FIRST])
    (ReportPaths.below(run.write(tmp_path)).kept / "shard-00-00000.arrow").unlink()
    with pytest.raises(PlatformError, match=r"kept/shard-00-00000\.arrow"):
        report_again(tmp_path, run)


def test_a_damaged_kept_file_is_the_platforms_fault_and_names_the_place(tmp_path: Path) -> None:
    run = TinyRun(shards=[FIRST])
    kept = ReportPaths.below(run.write(tmp_path)).kept / "shard-00-00000.arrow"
    content = kept.read_bytes()
    kept.write_bytes(content[:-20] + b"\xff" * 10 + content[-10:])
    with pytest.raises(PlatformError, match=r"00000\.arrow: cannot be read as what PrepareInput kept"):
        report_again(tmp_path, run)


def test_a_full_disk_is_the_platforms_fault_and_leaves_no_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_the_disk(path: Path, *_: object, **__: object) -> None:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(shards, "write_part", fill_the_disk)
    run = TinyRun(shards=[FIRST])
    with pytest.raises(PlatformError, match=r"part-shard-00-00000.*No space left on device.*run again"):
        report(tmp_path, run)
    assert _written(ReportPaths.below(tmp_path)) == []


def test_a_run_without_any_valid_record_still_balances(tmp_path: Path) -> None:
    done = report(tmp_path, TinyRun(shards=[], quarantined=[quarantined(2)]))
    assert done.ledger.counts == RunCounts(read=1, valid=0, quarantined=1, scored=0)


def test_messages_stay_within_a_failure_reason(tmp_path: Path) -> None:
    long_id = "x" * 5000
    run = TinyRun(shards=[TinyShard(ids=[long_id], labels=[None], answers=[(long_id + "y", 0.5, None)])])
    with pytest.raises(BatchScoreError) as caught:
        report(tmp_path, run)
    assert len(str(caught.value)) < 400
