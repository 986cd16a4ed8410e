"""The script that one would write without this project: read, encode, predict, write, with pandas.

    python -m benchmarks.plain_pandas customers.csv model.ubj contract.yaml scores.csv

It keeps the records without a missing required value, and neither says which others there were nor why.
"""

from __future__ import annotations

import sys

import pandas as pd
import xgboost
import yaml


def main(customers_csv: str, model_file: str, contract_file: str, scores_csv: str) -> None:
    """Score one CSV file."""
    with open(contract_file, encoding="utf-8") as stream:  # noqa: PTH123 - as one would write it
        contract = yaml.safe_load(stream)
    fields = {field["name"]: field for field in contract["fields"]}
    features = contract["scoring"]["features"]
    required = [name for name in features if fields[name].get("constraints", {}).get("required")]

    customers = pd.read_csv(customers_csv).dropna(subset=required)
    encoded = pd.DataFrame(index=customers.index)
    for name in features:
        column = customers[name]
        if "categories" in fields[name]:
            column = pd.Categorical(column, categories=fields[name]["categories"]).codes
        encoded[name] = column.astype("float32") if hasattr(column, "astype") else column
    model = xgboost.Booster(model_file=model_file)
    scores = model.inplace_predict(encoded.to_numpy("float32"))
    result = pd.DataFrame({contract["primaryKey"]: customers[contract["primaryKey"]], "score": scores})
    result.to_csv(scores_csv, index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
