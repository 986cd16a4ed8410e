"""The churn example scores every real customer, and measures itself only on those it never saw."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pytest

from examples.churn import data


@pytest.fixture(scope="module")
def base() -> pa.Table:
    return data.customers()


@pytest.fixture(scope="module")
def resampled() -> pa.Table:
    return data.customers(20_000)


def test_all_customers_are_there_once(base: pa.Table) -> None:
    """As published: 7,043, each with an id of its own."""
    assert base.num_rows == 7043
    assert pc.count_distinct(base["customer_id"]).as_py() == 7043
    assert base["customer_id"][0].as_py() == "C0000001"


def test_exactly_eleven_customers_have_no_total_charges(base: pa.Table) -> None:
    """They are what quarantine has to show; nothing else is missing but labels."""
    missing = {name: base[name].null_count for name in base.column_names if base[name].null_count}
    assert missing == {"total_charges": 11, data.LABEL: 3521}


def test_the_label_is_empty_for_exactly_the_training_half(base: pa.Table) -> None:
    """Nobody whom the model learnt from is counted in its quality."""
    assert base[data.LABEL].is_null().to_pylist() == data.is_for_training(7043).tolist()
    learnt_from = set(data.training_customers()["customer_id"].to_pylist())
    labelled = set(base.filter(base[data.LABEL].is_valid())["customer_id"].to_pylist())
    assert learnt_from.isdisjoint(labelled)
    assert len(learnt_from) > 3500


def test_columns_stand_in_the_contracts_order_and_types(base: pa.Table, resampled: pa.Table) -> None:
    """Both forms of the customer base."""
    assert base.column_names == [field.name for field in data.churn_contract().fields]
    assert resampled.schema.equals(base.schema)


def test_resampled_customers_have_new_ids(resampled: pa.Table) -> None:
    """Unique, and never mistaken for a real customer's."""
    ids = resampled["customer_id"]
    assert pc.count_distinct(ids).as_py() == resampled.num_rows == 20_000
    assert pc.all(pc.match_substring_regex(ids, "^R[0-9]{8}$")).as_py()


def test_copies_of_training_customers_have_no_label_either(resampled: pa.Table) -> None:
    """About half of all; a copy is known by the fields that are not jittered."""
    fraction = resampled[data.LABEL].null_count / resampled.num_rows
    assert 0.48 < fraction < 0.52


def test_jitter_stays_within_the_contract(resampled: pa.Table) -> None:
    """Only missing total charges may be faulty, about as often as in reality."""
    limits = {
        name: pc.min_max(resampled[name]).as_py() for name in ("tenure", "monthly_charges", "total_charges")
    }
    assert limits["tenure"]["min"] >= 0
    assert limits["tenure"]["max"] <= 72
    assert limits["monthly_charges"]["min"] >= 18
    assert limits["monthly_charges"]["max"] <= 120
    assert limits["total_charges"]["min"] > 0
    assert 10 < resampled["total_charges"].null_count < 60


def test_charges_are_jittered_and_not_copied(base: pa.Table, resampled: pa.Table) -> None:
    """A million copies would compress, sort and hash unlike a million customers."""
    assert (
        pc.count_distinct(resampled["total_charges"]).as_py()
        > 2 * pc.count_distinct(base["total_charges"]).as_py()
    )


@pytest.mark.functional
@pytest.mark.parametrize("row_count", [None, 5000])
def test_the_same_customers_are_written_byte_for_byte(tmp_path: Path, row_count: int | None) -> None:
    """Nothing depends on the day or the machine's mood."""
    for name in ("one.csv", "two.csv"):
        data.write_customers(tmp_path / name, row_count)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


@pytest.mark.functional
def test_the_file_is_plain_csv_that_reads_back(tmp_path: Path, base: pa.Table) -> None:
    """A header, empty text for what is missing, no quotes."""
    path = tmp_path / "customers.csv"
    data.write_customers(path)
    types = dict(zip(base.column_names, base.schema.types, strict=True))
    options = pa_csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=True)
    assert pa_csv.read_csv(path, convert_options=options).equals(base)
    assert b'"' not in path.read_bytes()
