"""The benchmarks' customers are the same for everybody, in any number, and damaged as often as asked."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import customers
from benchmarks.damage import KINDS, damage_counts, with_damage
from benchmarks.workload import write_customers


def written(path: Path, row_count: int, damage_fraction: float = 0.0, **options: int) -> bytes:
    write_customers(path, row_count, damage_fraction, **options)
    return path.read_bytes()


@pytest.mark.functional
@pytest.mark.parametrize("damage_fraction", [0.0, 0.013])
@pytest.mark.parametrize("chunk_rows", [1, 7, 400, 5_000])
def test_chunks_of_any_size_give_the_same_bytes(
    tmp_path: Path, damage_fraction: float, chunk_rows: int
) -> None:
    row_count = 20 if chunk_rows == 1 else 1_000
    whole = written(tmp_path / "whole.csv", row_count, damage_fraction)

    assert written(tmp_path / "cut.csv", row_count, damage_fraction, chunk_rows=chunk_rows) == whole


@pytest.mark.functional
def test_a_longer_file_begins_with_the_shorter_one(tmp_path: Path) -> None:
    """And another seed gives other customers."""
    longer = written(tmp_path / "longer.csv", 500)

    assert longer.startswith(written(tmp_path / "shorter.csv", 300))
    assert written(tmp_path / "other.csv", 500, seed=customers.SEED + 1) != longer


@pytest.mark.functional
def test_customers_keep_the_contract_and_are_as_wide_as_promised(tmp_path: Path) -> None:
    """20 columns, 111 bytes together; decimals have two digits; who joined this month has no total."""
    content = written(tmp_path / "customers.csv", 20_000)

    with (tmp_path / "customers.csv").open(encoding="utf-8", newline="") as stream:
        records = list(csv.DictReader(stream))
    assert len(records) == 20_000
    assert len({record["customer_id"] for record in records}) == 20_000
    assert list(records[0]) == [field.name for field in customers.benchmark_contract().fields]
    assert len(records[0]) == 20
    assert round(len(content) / 20_000) == 111
    assert {record["monthly_charges"][-3] for record in records} == {"."}
    assert all((record["total_charges"] == "") == (record["tenure"] == "0") for record in records)
    for field in customers.benchmark_contract().fields:
        if field.categories:
            assert {record[field.name] for record in records} == set(field.categories), field.name


@pytest.mark.parametrize("fraction", [0.0, 0.001, 0.03, 0.5, 1.0])
def test_as_many_lines_are_damaged_as_are_counted(fraction: float) -> None:
    """All kinds in turn; every other line stays as it was."""
    lines = [b"C%d,Male,0,No,No,12,Yes\n" % number for number in range(6_000)]

    pieces = b"".join(with_damage(b"".join(lines), 1, fraction)).split(b"\n")

    assert len(pieces) == 6_001
    changed = [now for was, now in zip(lines, pieces, strict=False) if was[:-1] != now]
    assert len(changed) == int(6_000 * fraction)
    kinds = Counter(
        {
            "wrong_type": sum(b",ten," in line for line in changed),
            "missing_required": sum(b",,0," in line for line in changed),
            "above_maximum": sum(b",999," in line for line in changed),
            "wrong_field_count": sum(line.endswith(b",too,many") for line in changed),
            "malformed_record": sum(b'"' in line for line in changed),
            "invalid_encoding": sum(b"\xff" in line for line in changed),
        }
    )
    assert set(kinds) == set(KINDS)
    assert +kinds == damage_counts(6_000, fraction)
