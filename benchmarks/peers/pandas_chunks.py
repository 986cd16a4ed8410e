"""pandas, a chunk at a time: memory does not grow with the file."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import xgboost

from benchmarks.peers.contract import read_encoding
from benchmarks.peers.pandas_whole import dtypes, encode

CHUNK_ROWS = 200_000


def main(customers_csv: str, model_file: str, contract_file: str, scores_csv: str) -> None:
    """Score one CSV file."""
    encoding = read_encoding(contract_file)
    model = xgboost.Booster(model_file=model_file)
    with Path(scores_csv).open("w", encoding="utf-8") as stream:
        chunks = pd.read_csv(customers_csv, dtype=dtypes(encoding), chunksize=CHUNK_ROWS)
        for number, customers in enumerate(chunks):
            scores = model.inplace_predict(encode(customers, encoding))
            result = pd.DataFrame({encoding.id_field: customers[encoding.id_field], "score": scores})
            result.to_csv(stream, index=False, header=number == 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
