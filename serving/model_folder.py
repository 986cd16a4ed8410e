"""What `/opt/ml/model` must hold before the first request is taken: one model and its dataset contract.

Everything that can be wrong is found here, at start-up: a transform job whose container never answers a
ping is stopped only after about half an hour, a container that ends at once says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from contracts.contract_file import read_contract
from contracts.dataset import DatasetContract
from contracts.errors import CallerError
from contracts.model_artifact import CONTRACT_FILE, MODEL_FILES
from contracts.model_formats import START_BYTE_COUNT, check_model_start, check_suffix, format_of
from contracts.wire import ERROR_COLUMN, SCORE_COLUMN
from serving.scorer import Model, Scorer, load_scorer


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """A model that fits its contract.

    Attributes:
        contract: Under which the model was trained.
        scorer: The model.
    """

    contract: DatasetContract
    scorer: Scorer


def find_model(folder: Path) -> Path:
    """Return the one model file in `folder`.

    Raises:
        CallerError: There is none, or more than one, or there is one of a format that is not taken.
    """
    found = [folder / name for name in MODEL_FILES if (folder / name).is_file()]
    if len(found) != 1:
        for path in sorted(folder.glob("*")):
            check_suffix(str(path), path.suffix)
        raise CallerError(
            f"{folder}: expected exactly one of {', '.join(MODEL_FILES)}, found "
            f"{', '.join(path.name for path in found) or 'none'}; make artifacts with `batchscore package`"
        )
    return found[0]


def load_model_folder(folder: Path, *, threads: int, expected_fingerprint: str | None) -> ServedModel:
    """Load the model in `folder` and check that it fits its contract and the run's shards.

    Args:
        folder: An unpacked model artifact.
        threads: Threads that score one payload.
        expected_fingerprint: Of the contract that the shards were made under; None skips the comparison.

    Raises:
        CallerError: Something is missing, unreadable or does not fit.
    """
    model_path = find_model(folder)
    contract = read_contract(folder / CONTRACT_FILE)
    _check_fingerprint(contract, expected_fingerprint)
    if contract.id_field in (SCORE_COLUMN, ERROR_COLUMN):
        raise CallerError(
            f"{folder / CONTRACT_FILE}: the primary key is called {contract.id_field!r}, as is a column of "
            "the answer; rename the field"
        )
    _check_start(model_path)
    scorer = load_scorer(model_path, threads=threads, outputs=contract.outputs)
    _check_features(model_path, scorer.model, contract)
    _check_categories(model_path, scorer.model, contract)
    return ServedModel(contract=contract, scorer=scorer)


def _check_fingerprint(contract: DatasetContract, expected_fingerprint: str | None) -> None:
    if expected_fingerprint not in (None, contract.fingerprint):
        raise CallerError(
            f"the shards were made under a contract with the fingerprint {expected_fingerprint}, the model's "
            f"{CONTRACT_FILE} has {contract.fingerprint}; run with the contract that is in the model artifact"
        )


def _check_start(model_path: Path) -> None:
    """Refuse what is no model of its format before a library that trusts its input reads it."""
    expected = format_of(model_path.name)
    if expected is not None:
        with model_path.open("rb") as stream:
            check_model_start(str(model_path), expected, stream.read(START_BYTE_COUNT))


def _check_features(model_path: Path, model: Model, contract: DatasetContract) -> None:
    if model.feature_count != len(contract.features):
        raise CallerError(
            f"{model_path}: the model reads {model.feature_count} features, the contract names "
            f"{len(contract.features)} ({', '.join(contract.features)}); train on the contract's features, "
            "in its order"
        )
    pairs = zip(model.feature_names, contract.features, strict=False)
    for number, (trained, declared) in enumerate(pairs, start=1):
        # LightGBM writes underlines for spaces.
        if trained not in (declared, "_".join(declared.split(" "))):
            raise CallerError(
                f"{model_path}: feature {number} of the model is {trained!r}, the contract says "
                f"{declared!r}; put the contract's `scoring.features` into the model's order"
            )


def _check_categories(model_path: Path, model: Model, contract: DatasetContract) -> None:
    """Refuse codes that mean other categories than in training: nobody would see it in the scores."""
    for order in model.category_orders:
        for field in contract.feature_fields:
            if tuple(order) != field.categories and sorted(order) == sorted(field.categories):
                raise CallerError(
                    f"{model_path}: was trained with the categories {', '.join(order)}, in this order; the "
                    f"contract lists {', '.join(field.categories)} for {field.name!r}; put them into the "
                    "model's order"
                )
