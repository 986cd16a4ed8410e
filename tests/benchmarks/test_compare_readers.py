"""The readers that are compared find what is there, and a reader that finds something else has no figure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks import customers
from benchmarks.compare_readers import EXACT, READERS, checked, unsaid
from benchmarks.comparison import OURS
from benchmarks.damage import damage_counts
from benchmarks.measuring import Measured
from benchmarks.readers import duckdb_typed, ours_native, pyarrow_typed
from benchmarks.readers.findings import Findings, found_below
from benchmarks.workload import write_customers
from benchmarks.workload_files import workload_below

pytestmark = pytest.mark.functional

ROWS, FRACTION = 600, 0.01
TAKEN = Measured(seconds=1.0, largest_bytes=1, tree_bytes=1)


def findings_of(reader: ModuleType, folder: Path, damage: float) -> Findings:
    path, found = folder / "customers.csv", folder / "found"
    write_customers(path, ROWS, damage)
    found.mkdir()
    reader.main(str(path), str(customers.CONTRACT_PATH), str(found))
    return found_below(found)


@pytest.mark.parametrize("reader", [ours_native, duckdb_typed, pyarrow_typed])
def test_every_record_of_a_sound_file_is_valid(reader: ModuleType, tmp_path: Path) -> None:
    """Polars is not among what tests need; it is checked whenever it is measured."""
    assert findings_of(reader, tmp_path, 0) == Findings(valid_count=ROWS, held_back={}, example={})


def test_ours_names_each_damaged_record_by_its_reason_line_and_bytes(tmp_path: Path) -> None:
    found = findings_of(ours_native, tmp_path, FRACTION)

    assert found.held_back == damage_counts(ROWS, FRACTION)
    assert found.valid_count == ROWS - 6
    assert (found.example["line_number"], found.example["reason_code"]) == (101, "wrong_type")
    assert "C00000100," in found.example["raw"]


def test_without_the_extension_ours_finds_the_same(tmp_path: Path) -> None:
    """In a process of its own, as it is measured: it does without for good."""
    write_customers(tmp_path / "customers.csv", ROWS, FRACTION)
    arguments = [str(tmp_path / "customers.csv"), str(customers.CONTRACT_PATH), str(tmp_path)]
    subprocess.run([sys.executable, "-m", "benchmarks.readers.ours_library", *arguments], check=True)

    assert found_below(tmp_path).held_back == damage_counts(ROWS, FRACTION)


def test_duckdb_names_what_it_rejects_by_line_and_what_breaks_a_rule_by_id(tmp_path: Path) -> None:
    """The unclosed quote takes along all records after it, of which nothing is said."""
    found = findings_of(duckdb_typed, tmp_path, FRACTION)
    workload = workload_below(tmp_path, ROWS, FRACTION)

    rejected = {"CAST": 1, "TOO MANY COLUMNS": 1, "UNQUOTED VALUE": 1}
    assert found.held_back == {"missing_required": 1, "above_maximum": 1, **rejected}
    assert found.example["line"] == 101
    assert unsaid(found, workload) == 100


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("damage", [0.0, FRACTION])
def test_a_reader_that_finds_something_else_than_is_there_has_no_figure(name: str, damage: float) -> None:
    """But for a damaged file, of which only ours must find everything."""
    workload = workload_below(Path(), ROWS, damage)
    right = damage_counts(ROWS, damage)
    found = Findings(valid_count=ROWS - sum(right.values()), held_back=right, example={})
    wrong = Findings(valid_count=ROWS - 7, held_back=right, example={})

    assert checked(name, TAKEN, found, workload) == TAKEN
    is_excused = damage > 0 and name not in EXACT
    assert (checked(name, TAKEN, wrong, workload).failure is None) == is_excused
    assert OURS in EXACT
