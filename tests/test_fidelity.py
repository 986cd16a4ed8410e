"""Every row of docs/fidelity.md has a source, and a test that exists or a reason why there is none."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NO_TEST = "no test: "
HEADINGS = [
    "Distribution and splitting",
    "Limits",
    "Failure",
    "Output names",
    "Container contract",
    "Built-in XGBoost container",
    "DataProcessing",
    "Processing jobs",
    "Choices",
]


def rows() -> list[list[str]]:
    lines = (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8").splitlines()
    tables = [line for line in lines if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in tables]
    return [row for row in cells if row[0] not in ("fact", "question") and set(row[0]) != {"-"}]


@cache
def names_in(path: str) -> frozenset[str]:
    """Return the names of the tests in a file, without importing it."""
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(
        node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


def fault_of(row: list[str]) -> str:
    """Say what is wrong with a row; empty if nothing is."""
    if len(row) != 4 or not all(row):
        return "needs a fact, a source, what the emulator does, and what holds it"
    held_by = row[3]
    if held_by.startswith(NO_TEST):
        return "" if len(held_by) > len(NO_TEST) + 20 else "does not say why there is no test"
    named = re.findall(r"`([^`]+)`", held_by)
    if not named or re.sub(r"`[^`]+`|[, ]", "", held_by):
        return f"expected tests between backticks or '{NO_TEST}', found {held_by!r}"
    paths = [name.partition("::") for name in named]
    absent = [path + "::" + test for path, _, test in paths if test not in names_in(path)]
    return f"names tests that do not exist: {', '.join(absent)}" if absent else ""


def test_every_fact_has_a_source_and_what_holds_it() -> None:
    assert [f"{row[0]}: {fault}" for row in rows() if (fault := fault_of(row))] == []


def test_the_tables_stand_below_the_headings_of_the_facts() -> None:
    text = (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8")

    assert re.findall(r"^## (.+)$", text, flags=re.MULTILINE) == HEADINGS
    assert len(rows()) > 70


def test_no_fact_stands_twice() -> None:
    facts = [row[0] for row in rows()]

    assert sorted(facts) == sorted(set(facts))


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (["f", "", "e", "`tests/test_fidelity.py::test_no_fact_stands_twice`"], "needs a fact"),
        (["f", "s", "e", ""], "needs a fact"),
        (["f", "s", "e"], "needs a fact"),
        (["f", "s", "e", "no test: because"], "does not say why"),
        (["f", "s", "e", "somewhere"], "expected tests"),
        (["f", "s", "e", "`tests/test_fidelity.py::test_gone`"], "do not exist"),
        (["f", "s", "e", "`tests/gone.py::test_no_fact_stands_twice`"], "do not exist"),
        (["f", "s", "e", "`tests/test_fidelity.py::test_no_fact_stands_twice`"], ""),
    ],
)
def test_a_row_that_says_too_little_is_found(row: list[str], fault: str) -> None:
    """So that the check above can fail."""
    found = fault_of(row)

    assert fault in found
    assert bool(fault) == bool(found)
