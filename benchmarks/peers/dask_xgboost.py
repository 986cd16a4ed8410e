"""Dask: blocks of the file are read, encoded and scored with pandas, and written as part files."""

from __future__ import annotations

import sys

import dask.dataframe as dd
import pandas as pd
import xgboost

from benchmarks.peers.contract import read_encoding
from benchmarks.peers.pandas_whole import dtypes, encode

BLOCK_BYTES = "32MB"


def main(customers_csv: str, model_file: str, contract_file: str, scores_csv: str) -> None:
    """Score one CSV file into a folder."""
    encoding = read_encoding(contract_file)
    model = xgboost.Booster(model_file=model_file)

    def score(customers: pd.DataFrame) -> pd.DataFrame:
        scores = model.inplace_predict(encode(customers, encoding))
        return pd.DataFrame({encoding.id_field: customers[encoding.id_field], "score": scores})

    customers = dd.read_csv(customers_csv, dtype=dtypes(encoding), blocksize=BLOCK_BYTES)
    meta = {encoding.id_field: "str", "score": "float32"}
    customers.map_partitions(score, meta=meta).to_csv(f"{scores_csv}/*.csv", index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
