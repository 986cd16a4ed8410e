"""Polars and XGBoost, streaming: batches of a lazy scan are encoded by Polars, and scored as they come."""

from __future__ import annotations

import sys

import polars as pl
import xgboost

from benchmarks.peers.contract import Encoding, read_encoding


def scan(customers_csv: str, encoding: Encoding) -> pl.LazyFrame:
    """Return id and features, the features as float32 in the model's order."""
    types = {name: pl.Enum(values) for name, values in encoding.categories.items()}
    numbers = dict.fromkeys([name for name in encoding.features if name not in types], pl.Float32)
    customers = pl.scan_csv(customers_csv, schema_overrides={**types, **numbers})
    encoded = [
        pl.col(name).to_physical().cast(pl.Float32) if name in types else pl.col(name)
        for name in encoding.features
    ]
    return customers.select(encoding.id_field, *encoded)


def main(customers_csv: str, model_file: str, contract_file: str, scores_csv: str) -> None:
    """Score one CSV file."""
    encoding = read_encoding(contract_file)
    model = xgboost.Booster(model_file=model_file)

    def score(batch: pl.DataFrame) -> pl.DataFrame:
        vectors = batch.select(encoding.features).to_numpy(order="c")
        return batch.select(encoding.id_field, score=pl.Series(model.inplace_predict(vectors)))

    scored = scan(customers_csv, encoding).map_batches(
        score, schema={encoding.id_field: pl.String, "score": pl.Float32}, streamable=True
    )
    scored.sink_csv(scores_csv)


if __name__ == "__main__":
    main(*sys.argv[1:])
