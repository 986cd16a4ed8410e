"""The peers that need no more than the tests do score as the model does after the contract's encoding.

The others are compared with the pipeline's own scores whenever they are measured.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
import xgboost

from benchmarks import customers
from benchmarks.peers import pandas_chunks, pandas_whole
from benchmarks.same_scores import largest_difference, peer_scores
from benchmarks.workload import train_model, write_customers
from contracts.encoding import encode

ROWS = 2_000


@pytest.fixture(scope="module")
def model() -> xgboost.Booster:
    (table,) = customers.drawn_customers(ROWS, seed=1)
    return train_model(table, tree_count=20)


@pytest.mark.functional
@pytest.mark.parametrize("peer", [pandas_whole, pandas_chunks])
def test_a_peer_scores_as_the_contract_encodes(
    peer: object, model: xgboost.Booster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pandas_chunks, "CHUNK_ROWS", 300)
    write_customers(tmp_path / "customers.csv", ROWS)
    model.save_model(tmp_path / "model.ubj")

    files = [str(tmp_path / name) for name in ("customers.csv", "model.ubj")]
    peer.main(*files, str(customers.CONTRACT_PATH), str(tmp_path / "scores.csv"))  # type: ignore[attr-defined]

    (table,) = customers.drawn_customers(ROWS)
    expected = model.inplace_predict(encode(table, customers.benchmark_contract()))
    scores = peer_scores(tmp_path / "scores.csv")
    assert scores["customer_id"].to_pylist() == table["customer_id"].to_pylist()
    np.testing.assert_allclose(scores["score"].to_numpy(), expected, rtol=0, atol=1e-6)
    assert scores["score"].to_numpy().std() > 0.01


def publish(folder: Path, scores: dict[str, float]) -> Path:
    run = folder / "scores" / "run_date=2026-01-01" / "run"
    run.mkdir(parents=True)
    table = pa.table({"customer_id": list(scores), "score": list(scores.values())})
    pq.write_table(table, run / "scores.parquet")
    return folder


@pytest.mark.functional
@pytest.mark.parametrize(
    ("theirs", "difference"),
    [
        ({"b": 0.5, "a": 0.25}, 0.0),
        ({"b": 0.5, "a": 0.5}, 0.25),
        ({"b": 0.5}, float("inf")),
        ({"b": 0.5, "c": 0.25}, float("inf")),
    ],
)
def test_scores_are_compared_id_by_id(theirs: dict[str, float], difference: float, tmp_path: Path) -> None:
    """In whichever order, from part files as well."""
    ours = publish(tmp_path / "ours", {"a": 0.25, "b": 0.5})
    (tmp_path / "parts").mkdir()
    for name, score in theirs.items():
        part = pa.table({"customer_id": [name], "score": [score]})
        pa_csv.write_csv(part, tmp_path / "parts" / f"{name}.csv")

    assert largest_difference(ours, tmp_path / "parts") == difference
