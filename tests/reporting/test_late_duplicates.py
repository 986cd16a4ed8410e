"""Records with the same id on two prepare instances are held back before anything is published."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from preparation import CONTRACT
from report_run import report
from several_instances import prepare_on_several
from tiny_run import TinyRun, TinyShard

from contracts import duplicate_ids
from contracts.arrow_files import arrow_bytes
from contracts.errors import CallerError, PlatformError, RunFailedError
from contracts.ledger import RunCounts
from contracts.quarantine import QUARANTINE_SCHEMA
from reporting import late_duplicates

pytestmark = pytest.mark.functional

HEADER = b"id,x,kind,label\n"
QUARANTINE_ALL = CONTRACT.replace("label: label}", "label: label, duplicateIds: quarantineAll}")
A = HEADER + b"1,1,a,0\n2,2,a,0\n1,3,a,0\n"
B = HEADER + b"3,4,a,0\n\n1,5,b,1\n4,6,a,0\n"
C = HEADER + b"4,7,a,0\n5,8,a,0\n"
TWO = {"algo-1": {"a.csv": A, "c.csv": C}, "algo-2": {"b.csv": B}}


def test_the_first_record_by_source_key_is_published_and_later_ones_are_not(tmp_path: Path) -> None:
    """`4` stands in b.csv, which the second instance read, before c.csv, which the first one read."""
    run = prepare_on_several(tmp_path, TWO, CONTRACT)
    done = run.report()
    found = {row["id"]: row["score"] for row in run.scores}
    assert found == {"1": 1.0, "2": 2.0, "3": 4.0, "4": 6.0, "5": 8.0}
    assert len(run.scores) == len(found)
    assert done.counts == RunCounts(read=8, valid=5, quarantined=3, scored=5)
    assert done.quarantine.reason_counts == {"duplicate_id": 3}
    counts = {source.source_key: source.quarantined_count for source in done.manifest.sources}
    assert counts == {"a.csv": 1, "b.csv": 1, "c.csv": 1}


def test_late_duplicates_are_quarantine_records_that_say_where_their_bytes_stand(tmp_path: Path) -> None:
    run = prepare_on_several(tmp_path, TWO, CONTRACT)
    run.report()
    assert [(row["source_key"], row["line_number"], row["field"]) for row in run.late] == [
        ("c.csv", 2, "id"),
        ("b.csv", 4, "id"),
    ]
    assert run.late[0]["message"].startswith("id: '4' stands in 2 valid records; the first is b.csv line 5;")
    assert run.late[1]["message"].startswith("id: '1' stands in 3 valid records; the first is a.csv line 2;")
    assert run.late[1]["message"].endswith("this record's bytes are not here, but stand at its place")
    assert {
        (row["reason_code"], row["byte_offset"], row["raw"], row["raw_byte_count"]) for row in run.late
    } == {("duplicate_id", None, b"", 0)}
    assert pq.read_schema(run.paths.late_quarantine / "late.parquet").equals(QUARANTINE_SCHEMA)


def test_no_record_with_a_shared_id_is_published_where_the_contract_says_so(tmp_path: Path) -> None:
    """Not even the one on an instance that has no other, when another instance has held back its own."""
    run = prepare_on_several(tmp_path, TWO, QUARANTINE_ALL)
    done = run.report()
    assert sorted(row["id"] for row in run.scores) == ["2", "3", "5"]
    assert done.counts == RunCounts(read=8, valid=3, quarantined=5, scored=3)
    assert [row["line_number"] for row in run.late] == [2, 4, 5]


@settings(max_examples=25)
@given(
    records=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=30),
    policy=st.sampled_from(["keepFirst", "quarantineAll"]),
)
def test_what_is_published_is_what_one_instance_would_have_published(
    records: list[tuple[int, int]], policy: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Records as (id, source object); the objects are dealt out to two instances in turn."""
    records = sorted([*records, (10, 0), (11, 1)], key=lambda record: record[1])
    bodies = {f"{source}.csv": HEADER for source in range(4)}
    for number, (value, source) in enumerate(records):
        bodies[f"{source}.csv"] += b"%d,%d,a,0\n" % (value, number)
    dealt = {
        f"algo-{host + 1}": {key: body for key, body in bodies.items() if int(key[0]) % 2 == host}
        for host in range(2)
    }
    contract = QUARANTINE_ALL if policy == "quarantineAll" else CONTRACT
    run = prepare_on_several(tmp_path_factory.mktemp("run"), dealt, contract)
    done = run.report()

    counts = Counter(value for value, _ in records)
    numbered = [(value, number) for number, (value, _) in enumerate(records)]
    first = dict(reversed(numbered))
    stays = [
        number
        for value, number in numbered
        if counts[value] == 1 or (policy == "keepFirst" and first[value] == number)
    ]
    assert sorted(row["score"] for row in run.scores) == stays
    assert (done.counts.valid, done.counts.quarantined) == (len(stays), len(records) - len(stays))
    assert sum(source.quarantined_count for source in done.manifest.sources) == done.counts.quarantined
    assert sum(done.quarantine.reason_counts.values()) == done.counts.quarantined


def test_without_late_duplicates_nothing_is_written(tmp_path: Path) -> None:
    run = prepare_on_several(tmp_path, {"algo-1": {"a.csv": A}, "algo-2": {"c.csv": C}}, CONTRACT)
    done = run.report()
    assert (done.late_count, run.late, len(run.scores)) == (0, [], 4)
    assert not run.paths.late_quarantine.exists()
    assert list(run.paths.scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("parameters", "is_kept"),
    [
        ({"MaxQuarantineCount": "3"}, True),
        ({"MaxQuarantineCount": "2"}, False),
        ({"MaxQuarantineFraction": "0.375"}, True),
        ({"MaxQuarantineFraction": "0.3"}, False),
    ],
)
def test_late_duplicates_count_against_the_error_budget(
    parameters: dict[str, str], is_kept: bool, tmp_path: Path
) -> None:
    run = prepare_on_several(tmp_path, TWO, CONTRACT, parameters)
    if is_kept:
        assert run.report().late_count == 2
        return
    with pytest.raises(RunFailedError, match=r"3 of 8 .* 2 of them .* a.csv line 2; more than the budget"):
        run.report()
    assert run.scores == []


def test_the_same_data_on_two_instances_is_refused_with_an_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepare_on_several(tmp_path, {"algo-1": {"a.csv": C}, "algo-2": {"b.csv": C}}, CONTRACT)
    monkeypatch.setattr(duplicate_ids, "MAX_DUPLICATE_CANDIDATES", 3)
    with pytest.raises(CallerError, match="such as '4'; was the same data delivered twice"):
        run.report()


def test_a_kept_file_without_places_beside_one_that_has_them_is_the_platforms_fault(tmp_path: Path) -> None:
    run = prepare_on_several(tmp_path, TWO, CONTRACT)
    path = run.paths.kept / "shard-01-00000.arrow"
    path.write_bytes(arrow_bytes(pa.table({"id": ["1"], "label": [0]})))
    with pytest.raises(PlatformError, match=r"shard-01-00000\.arrow: lacks the columns"):
        run.report()


def test_where_one_instance_prepared_no_id_is_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has compared all of them, so the report need not."""
    monkeypatch.setattr(late_duplicates, "IdDigester", None)
    done = report(tmp_path, TinyRun(shards=[TinyShard.scored(["a"], [0.5]), TinyShard.scored(["a"], [0.5])]))
    assert done.ledger.counts.scored == 2
    assert "late_quarantine" not in done.ledger.uris
