"""Made-up customers in any number: the workload of the benchmarks, a chunk at a time.

`drawn_customers` yields typed tables in the order of `customers.yaml`. The same seed gives the same customers
however large the chunks are, and a longer file begins with the shorter one: each drawn column has a stream of
random numbers of its own, one number a customer.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.contract_file import read_contract
from contracts.dataset import DatasetContract

CONTRACT_PATH = Path(__file__).with_name("customers.yaml")
SEED = 7
CHUNK_ROWS = 250_000
MAX_TENURE_MONTHS = 72
CENTS = pa.decimal128(9, 2)

SHARES: dict[str, tuple[float, ...]] = {
    "gender": (0.5, 0.5),
    "senior_citizen": (0.84, 0.16),
    "partner": (0.52, 0.48),
    "dependents": (0.7, 0.3),
    "phone_service": (0.1, 0.9),
    "multiple_lines": (0.54, 0.46),
    "internet_service": (0.36, 0.47, 0.17),
    "online_security": (0.64, 0.36),
    "online_backup": (0.56, 0.44),
    "device_protection": (0.56, 0.44),
    "tech_support": (0.63, 0.37),
    "streaming_tv": (0.51, 0.49),
    "streaming_movies": (0.5, 0.5),
    "contract": (0.55, 0.21, 0.24),
    "paperless_billing": (0.41, 0.59),
    "payment_method": (0.22, 0.22, 0.33, 0.23),
}
"""How often each category is drawn, in the contract's order; about as in the Telco churn table."""

NO_INTERNET = 2
INTERNET_SERVICES = (
    "online_security",
    "online_backup",
    "device_protection",
    "tech_support",
    "streaming_tv",
    "streaming_movies",
)
"""Their third category says that there is no internet to book them for."""


def benchmark_contract() -> DatasetContract:
    """Return the contract of the made-up customers."""
    return read_contract(CONTRACT_PATH)


def drawn_customers(row_count: int, *, seed: int = SEED, chunk_rows: int = CHUNK_ROWS) -> Iterator[pa.Table]:
    """Yield `row_count` customers in their order, at most `chunk_rows` a table.

    The charges are decimals with two digits; `total_charges` is null where `tenure` is 0.
    """
    contract = benchmark_contract()
    drawn = (*SHARES, "tenure", "monthly", "total")
    streams = {name: np.random.default_rng([seed, number]) for number, name in enumerate(drawn)}
    for first in range(0, row_count, chunk_rows):
        count = min(chunk_rows, row_count - first)
        uniform = {name: stream.random(count) for name, stream in streams.items()}
        yield _customers(uniform, np.arange(first + 1, first + 1 + count), contract)


def _customers(uniform: dict[str, np.ndarray], numbers: np.ndarray, contract: DatasetContract) -> pa.Table:
    codes = _codes(uniform)
    tenure = (uniform["tenure"] * (MAX_TENURE_MONTHS + 1)).astype(np.int64)
    monthly_cents = _monthly_cents(codes, uniform["monthly"])
    total_cents = (monthly_cents * tenure * (0.95 + 0.1 * uniform["total"])).astype(np.int64)
    columns = {
        "customer_id": _ids(numbers),
        "senior_citizen": pa.array(codes["senior_citizen"].astype(np.int64)),
        "tenure": pa.array(tenure),
        "monthly_charges": _decimals(monthly_cents),
        "total_charges": pc.if_else(pa.array(tenure == 0), None, _decimals(total_cents)),
    }
    for field in contract.fields:
        if field.categories:
            columns[field.name] = pa.array(field.categories).take(pa.array(codes[field.name]))
    return pa.table({field.name: columns[field.name] for field in contract.fields})


def _codes(uniform: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    codes = {
        name: sum((uniform[name] >= bound for bound in np.cumsum(shares)[:-1]), start=np.int64(0))
        for name, shares in SHARES.items()
    }
    codes["multiple_lines"][codes["phone_service"] == 0] = 2
    for name in INTERNET_SERVICES:
        codes[name][codes["internet_service"] == NO_INTERNET] = 2
    return codes


def _monthly_cents(codes: dict[str, np.ndarray], uniform: np.ndarray) -> np.ndarray:
    connection = np.array([2500, 4800, 0])[codes["internet_service"]]
    services = sum(codes[name] == 1 for name in INTERNET_SERVICES)
    lines = 2000 * codes["phone_service"] + 500 * (codes["multiple_lines"] == 1)
    return np.asarray(connection + 500 * services + lines + (500 * uniform).astype(np.int64))


def _decimals(cents: np.ndarray) -> pa.Array:
    """Return whole cents as decimals: a decimal of 128 bits is an integer, low half first."""
    halves = np.zeros((len(cents), 2), dtype="<i8")
    halves[:, 0] = cents
    return pa.Array.from_buffers(CENTS, len(cents), [None, pa.py_buffer(halves)])


def _ids(numbers: np.ndarray) -> pa.Array:
    texts = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width=8, padding="0")
    return pc.binary_join_element_wise("C", texts, "")
