"""The files behind the charts can be opened with a spreadsheet."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.spreadsheet_text import harmless_text
from reporting.tables import ChartTable, table_csv


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_looks_like_a_formula_is_written_as_text(start: str) -> None:
    columns = {"category": [f"{start}1+1", "basic"], "mean_score": [-0.5, 0.5]}
    lines = table_csv(ChartTable(name="lift", columns=columns)).split("\n")
    assert lines[1].strip('"').startswith(f"'{start}1+1")
    assert lines[2] == "basic,0.5"


def test_a_number_stays_a_number() -> None:
    columns = {"mean_score": [-0.5, None, 1e-07], "record_count": [3, 0, 10**16]}
    expected = "mean_score,record_count\n-0.5,3\n,0\n1e-07,10000000000000000\n"
    assert table_csv(ChartTable(name="lift", columns=columns)) == expected


def test_a_row_of_nothing_is_no_blank_line() -> None:
    assert table_csv(ChartTable(name="lift", columns={"lift": [2.5, None]})) == 'lift\n2.5\n""\n'


@given(
    columns=st.dictionaries(
        st.sampled_from(["group", "lift", "record_count"]),
        st.one_of(
            st.lists(st.text(), min_size=3, max_size=3),
            st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3),
            st.lists(st.integers(-(2**63), 2**63 - 1), min_size=3, max_size=3),
        ),
        min_size=1,
    )
)
def test_the_file_is_what_pandas_would_write(columns: dict[str, list[Any]]) -> None:
    """Files of earlier versions were written by it."""
    shown = {
        name: [harmless_text(value) if isinstance(value, str) else value for value in values]
        for name, values in columns.items()
    }
    expected = pd.DataFrame(shown).to_csv(index=False, lineterminator="\n")
    assert table_csv(ChartTable(name="lift", columns=columns)) == expected


def test_columns_of_different_lengths_are_no_table() -> None:
    with pytest.raises(ValueError, match="table lift: its columns differ in length"):
        ChartTable(name="lift", columns={"decile": [1], "lift": [2.0, 1.0]})
