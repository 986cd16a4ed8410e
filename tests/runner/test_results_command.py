"""The first scored records can be read in a terminal, whatever is in them."""

from __future__ import annotations

import pyarrow as pa
from rich.console import Console

from runner.results_command import SHOWN_NUMBERS, _as_table


def shown(values: list[float]) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(_as_table(pa.table({"id": ["a"], "score": [values]})))
    return captured.get()


def test_a_long_vector_is_shown_by_its_start_and_its_length() -> None:
    numbers = [float(number) for number in range(384)]

    assert "[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, … 384 in all]" in shown(numbers)
    assert str(numbers[:SHOWN_NUMBERS]) in shown(numbers[:SHOWN_NUMBERS])
