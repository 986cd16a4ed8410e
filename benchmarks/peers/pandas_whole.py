"""pandas, the whole file at once: read, encode, predict, write."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import xgboost

from benchmarks.peers.contract import Encoding, read_encoding


def dtypes(encoding: Encoding) -> dict[str, object]:
    """Return the column types: categories are coded while they are read, in the contract's order."""
    types: dict[str, object] = dict.fromkeys(encoding.features, "float32")
    types |= {name: pd.CategoricalDtype(values) for name, values in encoding.categories.items()}
    return {encoding.id_field: "str", **types}


def encode(customers: pd.DataFrame, encoding: Encoding) -> np.ndarray:
    """Return the feature vectors, float32 of shape (records, features)."""
    vectors = np.empty((len(customers), len(encoding.features)), dtype=np.float32)
    for position, name in enumerate(encoding.features):
        column = customers[name]
        vectors[:, position] = column.cat.codes if name in encoding.categories else column
    return vectors


def main(customers_csv: str, model_file: str, contract_file: str, scores_csv: str) -> None:
    """Score one CSV file."""
    encoding = read_encoding(contract_file)
    model = xgboost.Booster(model_file=model_file)
    customers = pd.read_csv(customers_csv, dtype=dtypes(encoding))
    scores = model.inplace_predict(encode(customers, encoding))
    result = pd.DataFrame({encoding.id_field: customers[encoding.id_field], "score": scores})
    result.to_csv(scores_csv, index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
