"""Train the churn model on the training half of the customers.

Encoding is the contract's, as everywhere; the same code and data give the same model, byte for byte.
`python -m examples.churn.train` trains it and says where it is.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xgboost

from contracts.atomic_files import write_bytes
from contracts.dataset import DatasetContract
from contracts.encoding import encode

from .data import churn_contract, training_customers

TREE_COUNT = 100
PARAMETERS = {
    "objective": "binary:logistic",
    "max_depth": 4,
    "learning_rate": 0.05,
    "subsample": 0.8,
    "colsample_bytree": 0.8,
    "min_child_weight": 5,
    "seed": 20,
    "nthread": 1,  # sums in another order would change the last digits of the model
}


def labels_of(records: pa.Table, contract: DatasetContract) -> np.ndarray:
    """Return 1 for each record whose label is the positive one, else 0."""
    is_positive = pc.equal(records[contract.label], contract.positive_label)
    return np.asarray(pc.cast(is_positive, pa.float32()).to_numpy())


def train() -> xgboost.Booster:
    """Train the model on `training_customers`."""
    contract = churn_contract()
    records = training_customers()
    matrix = xgboost.DMatrix(
        encode(records, contract), labels_of(records, contract), feature_names=list(contract.features)
    )
    return xgboost.train(PARAMETERS, matrix, TREE_COUNT)


def write_model(path: Path) -> None:
    """Train the model and write it to `path` in XGBoost's UBJ form, whole or not at all."""
    write_bytes(path, bytes(train().save_raw("ubj")))


if __name__ == "__main__":
    target = Path(__file__).parent / "work" / "model.ubj"
    write_model(target)
    print(f"trained {TREE_COUNT} trees: {target}")
