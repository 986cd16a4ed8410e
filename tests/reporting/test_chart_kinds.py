"""What is drawn of a table is plain data: the table's rows, and what chart and eye can bear of them."""

from __future__ import annotations

import json
from typing import Any

from bs4 import BeautifulSoup

from reporting import tables
from reporting.chart_kinds import specification
from reporting.drawing_engine import render


def _drawn(name: str, columns: dict[str, list[Any]]) -> dict[str, Any]:
    return specification(tables.ChartTable(name=name, columns=columns))


def test_a_distribution_is_its_rows_and_is_plain_data() -> None:
    columns = {"score_from": [0.0, 0.5], "score_to": [0.5, 1.0], "record_count": [3, 4]}
    drawn = _drawn(tables.SCORE_DISTRIBUTION, columns)
    assert drawn["data"]["values"] == [
        {"score_from": 0.0, "score_to": 0.5, "record_count": 3},
        {"score_from": 0.5, "score_to": 1.0, "record_count": 4},
    ]
    assert json.loads(json.dumps(drawn, allow_nan=False)) == drawn


def test_scores_from_one_end_of_float64_to_the_other_are_drawn_by_half() -> None:
    columns = {"score_from": [-1.7e308, 0.0], "score_to": [0.0, 1.7e308], "record_count": [1, 1]}
    drawn = _drawn(tables.SCORE_DISTRIBUTION, columns)
    assert [row["score_to"] for row in drawn["data"]["values"]] == [0.0, 8.5e307]
    assert drawn["encoding"]["x"]["title"] == "Half the score"
    assert columns["score_to"] == [0.0, 1.7e308]


def test_an_empty_bin_is_no_point_of_the_calibration() -> None:
    """Ledgers of earlier versions have bins of equal width."""
    columns = {"score_from": [0.0, 0.1], "mean_score": [None, 0.15], "observed_fraction": [None, 0.2]}
    drawn = _drawn(tables.CALIBRATION, columns)
    assert drawn["data"]["values"] == [{"score_from": 0.1, "mean_score": 0.15, "observed_fraction": 0.2}]


def _moved(*groups: str) -> dict[str, Any]:
    fractions = [1 / len(groups)] * len(groups)
    return {"group": list(groups), "reference_fraction": fractions, "run_fraction": fractions}


def test_long_names_of_groups_are_cut_with_an_ellipsis_and_keep_their_order() -> None:
    """Two that begin alike stay two bars."""
    drawn = _drawn("drift_1_1", _moved("b" * 40 + "2", "b" * 40 + "1", "a"))
    assert [row["group"][-1] for row in drawn["data"]["values"]] == ["2", "1", "a"]
    assert [layer["encoding"]["y"]["sort"] for layer in drawn["layer"]] == [None, None]
    assert _texts(drawn).count("b" * 31 + "…") == 2


def test_the_bounds_of_a_group_are_shown_whole() -> None:
    bounds = "from -1.234e-05 to -1.234e-06"
    assert bounds in _texts(_drawn("drift_1_1", _moved(bounds, "from -1.234e-06")))


def test_bars_have_room_for_their_names() -> None:
    few = {"output": ["a", "b"], "record_count": [1, 2]}
    many = {"output": [f"Film {number}" for number in range(20)], "record_count": list(range(20))}
    assert _drawn(tables.OUTPUTS, few)["height"] == 220
    assert _drawn(tables.OUTPUTS, many)["height"] == 360
    assert _drawn("drift_1_1", _moved(*many["output"]))["height"] == 360
    assert set(many["output"]) <= set(_texts(_drawn(tables.OUTPUTS, many)))


def _texts(drawn: dict[str, Any]) -> list[str]:
    """Return what is written in the drawing."""
    return [text.text for text in BeautifulSoup(render(drawn), "html.parser").find_all("text")]


def _ends(layer: dict[str, Any]) -> list[list[float]]:
    return [layer["encoding"][axis]["scale"]["domain"] for axis in ("x", "y")]


def test_rare_positives_are_not_pressed_against_the_axis() -> None:
    """Precision and calibration, where one record in fifty is positive."""
    curve = {"recall": [0.5, 1.0], "precision": [0.07, 0.02]}
    assert _ends(_drawn(tables.PRECISION_RECALL, curve)["layer"][1]) == [[0, 1], [0, 0.08]]
    groups = {"group": [1, 2], "mean_score": [0.02, 0.11], "observed_fraction": [0.02, 0.06]}
    exact, line, points = _drawn(tables.CALIBRATION, groups)["layer"]
    assert _ends(line) == _ends(points) == [[0, 0.2], [0, 0.2]]
    assert [row["mean_score"] for row in exact["data"]["values"]] == [0, 0.2]


def test_a_precision_of_one_has_the_whole_axis() -> None:
    curve = {"recall": [0.5, 1.0], "precision": [1.0, 0.02]}
    assert _ends(_drawn(tables.PRECISION_RECALL, curve)["layer"][1]) == [[0, 1], [0, 1.0]]
