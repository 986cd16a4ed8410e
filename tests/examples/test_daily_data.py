"""The deliveries are real flights, the same every time, and only the distance is ever wrong."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

from contracts.encoding import ARROW_TYPES
from examples.daily import data

pytestmark = pytest.mark.functional

LAST_WHOLE_DAY = data.FAULTY_FROM - dt.timedelta(days=1)


def test_a_delivery_has_the_contracts_fields_in_their_order_and_types() -> None:
    schema = data.delivered_flights(data.FIRST_DAY).schema
    fields = data.flight_contract().fields
    assert [(name, str(kind)) for name, kind in zip(schema.names, schema.types, strict=True)] == [
        (field.name, str(ARROW_TYPES[field.type])) for field in fields
    ]


def test_every_field_is_described() -> None:
    assert [field.name for field in data.flight_contract().fields if not field.description] == []


def test_the_seven_days_follow_one_another_and_the_training_data() -> None:
    """No flight that is scored was learnt from."""
    assert len(data.DAYS) == 7
    assert {second - first for first, second in zip(data.DAYS, data.DAYS[1:], strict=False)} == {
        dt.timedelta(days=1)
    }
    learnt = data.training_flights()["flight_id"].to_pylist()
    assert max(learnt)[:10] == "2013-06-30"
    assert len(learnt) == 160_678


def test_from_day_five_on_only_the_distance_is_another() -> None:
    """The same flights to the same places, in kilometres."""
    before, after = data.delivered_flights(LAST_WHOLE_DAY), data.delivered_flights(data.FAULTY_FROM)
    assert data.DAYS.index(data.FAULTY_FROM) == 4
    for origin, destination, miles, kilometres in (("JFK", "LAX", 2475, 3983), ("EWR", "ORD", 719, 1157)):
        assert _distances(before, origin, destination) == {miles}
        assert _distances(after, origin, destination) == {kilometres}


def _distances(flights: pa.Table, origin: str, destination: str) -> set[int]:
    rows = zip(*(flights[name].to_pylist() for name in ("origin", "destination", "distance")), strict=True)
    return {distance for leaves, arrives, distance in rows if (leaves, arrives) == (origin, destination)}


def test_the_same_code_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        data.write_deliveries(tmp_path / name)
    days = [day.isoformat() for day in data.DAYS]
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == days
    one, two = (
        [(tmp_path / name / day / "flights.csv").read_bytes() for day in days] for name in ("one", "two")
    )
    assert one == two
