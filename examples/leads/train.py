"""Train the lead model on the training half of the households.

Encoding is the contract's, as everywhere; the same code and data give the same model, byte for byte. The
rare buyers are not weighted up: a score would no longer be a probability then, and no expected value could be
made of it. `python -m examples.leads.train` trains the model and says where it is.
"""

from __future__ import annotations

from pathlib import Path

import lightgbm
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.atomic_files import write_bytes
from contracts.dataset import DatasetContract
from contracts.encoding import encode

from .data import leads_contract, training_households

TREE_COUNT = 150
PARAMETERS = {
    "objective": "binary",
    "num_leaves": 6,
    "learning_rate": 0.03,
    "min_data_in_leaf": 30,
    "lambda_l2": 5,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "seed": 20,
    "verbosity": -1,
    "num_threads": 1,  # sums in another order would change the last digits of the model
    "deterministic": True,
    "force_row_wise": True,
}


def labels_of(records: pa.Table, contract: DatasetContract) -> np.ndarray:
    """Return 1 for each record whose label is the positive one, else 0."""
    is_positive = pc.equal(records[contract.label], contract.positive_label)
    return np.asarray(pc.cast(is_positive, pa.float32()).to_numpy())


def train() -> lightgbm.Booster:
    """Train the model on `training_households`."""
    contract = leads_contract()
    records = training_households()
    known = lightgbm.Dataset(
        encode(records, contract), labels_of(records, contract), feature_name=list(contract.features)
    )
    return lightgbm.train(PARAMETERS, known, TREE_COUNT)


def write_model(path: Path) -> None:
    """Train the model and write it to `path` in LightGBM's text form, whole or not at all."""
    write_bytes(path, train().model_to_string().encode())


if __name__ == "__main__":
    target = Path(__file__).parent / "work" / "model.txt"
    write_model(target)
    print(f"trained {TREE_COUNT} trees: {target}")
