"""Whatever is delivered: every record is valid or quarantined, for the right reason, under its own id."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from damaged_sources import CONTRACT, FORMATS, Source, sources
from hypothesis import given, settings
from hypothesis import strategies as st
from preparation import Preparation, run_prepare

from preprocessing import csv_engine

pytestmark = pytest.mark.functional


@settings(max_examples=settings().max_examples * 10)
@given(delivered=sources())
def test_every_record_of_mixed_sources_is_valid_or_held_back_for_its_reason(delivered: list[Source]) -> None:
    """Formats mixed below one prefix, nested, some compressed, ids repeated across all of them."""
    check(delivered)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=settings().max_examples * 3)
@given(drawn=st.data())
def test_every_record_of_one_format_is_valid_or_held_back_for_its_reason(
    name: str, drawn: st.DataObject
) -> None:
    check(drawn.draw(sources(formats=(name,))))


@settings(max_examples=settings().max_examples * 2)
@given(drawn=st.data())
def test_csv_without_the_native_reader_is_judged_alike(drawn: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(csv_engine, "native_csv", None)
        check(drawn.draw(sources(formats=("csv",))))


def check(delivered: list[Source]) -> None:
    """Prepare the sources and compare every record with what must become of it."""
    with tempfile.TemporaryDirectory() as folder:
        contents = {source.key: source.content for source in delivered}
        done = run_prepare(Path(folder), contents, contract=CONTRACT)
        assert done.exit_code == 0, done.message
        check_counts(done, delivered)
        assert valid_records(done) == expected_valid(delivered)
        found = sorted(held_back(done, delivered), key=repr)
        assert found == sorted(expected_held_back(delivered), key=repr)


def check_counts(done: Preparation, delivered: list[Source]) -> None:
    """Compare the counts of the plan and of each source object."""
    plan = done.plan
    assert plan.record_count == plan.valid_count + plan.quarantined_count
    counts = {
        source.source_key: (source.record_count, source.quarantined_count) for source in done.manifest.sources
    }
    assert counts == {
        source.key: (len(source.records), sum(1 for record in source.records if record.reason))
        for source in delivered
    }


def valid_records(done: Preparation) -> list[tuple[Any, ...]]:
    """Return id and features of every record in a shard, in order."""
    return [(row["id"], row["x"], row["n"], row["kind"]) for row in done.shard_rows()]


def expected_valid(delivered: list[Source]) -> list[tuple[Any, ...]]:
    """Return the same of every record that must be valid."""
    return [
        tuple(record.values[name] for name in ("id", "x", "n", "kind"))
        for source in delivered
        for record in source.records
        if not record.reason
    ]


def held_back(done: Preparation, delivered: list[Source]) -> list[tuple[Any, ...]]:
    """Return source key, line, reason and (where the format has any) bytes of every quarantined record."""
    has_bytes = {source.key: source.format != "parquet" for source in delivered}
    return [
        (
            row["source_key"],
            row["line_number"],
            row["reason_code"],
            row["raw"] if has_bytes[row["source_key"]] else None,
        )
        for row in done.quarantine()
    ]


def expected_held_back(delivered: list[Source]) -> list[tuple[Any, ...]]:
    """Return the same of every record that must be held back."""
    return [
        (source.key, line, record.reason, raw)
        for source in delivered
        for record, line, raw in zip(source.records, source.lines, source.raws, strict=True)
        if record.reason
    ]
