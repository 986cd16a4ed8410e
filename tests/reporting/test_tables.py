"""The files behind the charts can be opened with a spreadsheet."""

from __future__ import annotations

import pandas as pd
import pytest

from reporting.tables import ChartTable, table_csv


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_looks_like_a_formula_is_written_as_text(start: str) -> None:
    frame = pd.DataFrame({"category": [f"{start}1+1", "basic"], "mean_score": [-0.5, 0.5]})
    lines = table_csv(ChartTable(name="lift", frame=frame)).split("\n")
    assert lines[1].strip('"').startswith(f"'{start}1+1")
    assert lines[2] == "basic,0.5"


def test_a_number_stays_a_number() -> None:
    frame = pd.DataFrame({"mean_score": [-0.5, float("nan")]})
    assert table_csv(ChartTable(name="lift", frame=frame)) == 'mean_score\n-0.5\n""\n'
