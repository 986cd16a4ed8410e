"""Train the model on the flights from January to June.

Encoding is the contract's, as everywhere; the same code and data give the same model, byte for byte.
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

from .data import flight_contract, training_flights

TREE_COUNT = 100
PARAMETERS = {
    "objective": "binary:logistic",
    "max_depth": 5,
    "learning_rate": 0.1,
    "subsample": 0.8,
    "colsample_bytree": 0.8,
    "min_child_weight": 20,
    "seed": 8,
    "nthread": 1,  # sums in another order would change the last digits of the model
}


def labels_of(flights: pa.Table, contract: DatasetContract) -> np.ndarray:
    """Return 1 for each flight that was late, else 0."""
    is_positive = pc.equal(flights[contract.label], contract.positive_label)
    return np.asarray(pc.cast(is_positive, pa.float32()).to_numpy())


def train() -> xgboost.Booster:
    """Train the model on `training_flights`."""
    contract, flights = flight_contract(), training_flights()
    matrix = xgboost.DMatrix(
        encode(flights, contract), labels_of(flights, contract), feature_names=list(contract.features)
    )
    return xgboost.train(PARAMETERS, matrix, TREE_COUNT)


def write_model(path: Path) -> None:
    """Train the model and write it to `path` in XGBoost's UBJ form, whole or not at all."""
    write_bytes(path, bytes(train().save_raw("ubj")))
