"""What `/opt/ml/model` must hold before the first request is taken: one model and its dataset contract.

Where the server stands in for AWS's built-in XGBoost container, the folder may hold a model alone, as that
container wants it. Then features are known by their order, and nothing can be compared with the shards.

Everything that can be wrong is found here, at start-up: a transform job whose container never answers a
ping is stopped only after about half an hour, a container that ends at once says why.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from contracts.contract_file import read_contract
from contracts.data_profile import packed, parse_profile
from contracts.dataset import DatasetContract, Field
from contracts.errors import CallerError
from contracts.model_artifact import BASELINE_FILE, CONTRACT_FILE, MODEL_FILES
from contracts.model_formats import START_BYTE_COUNT, check_model_start, check_suffix, format_of
from contracts.wire import ERROR_COLUMN, SCORE_COLUMN
from serving.column_model import ColumnModel
from serving.scorer import Scorer, load_scorer
from serving.vector_model import Model

_logger = logging.getLogger(__name__)

XGBOOST_SUFFIXES = (".json", ".ubj")

_LISTED_BASE_SCORE = re.compile(rb'base_score(?:"\s*:\s*"|S[iUIlL].{1,8}?)\[', re.DOTALL)
"""As JSON, or as UBJSON: a text begins with `S`, the type of its length and the length."""

MAX_SHOWN_FEATURES = 10
"""Of those in a message that only the model or only the contract has."""

_NO_ID = ""
"""Payloads for a model alone have no id; a feature cannot be called so."""


@dataclass(frozen=True, kw_only=True)
class ServedModel:
    """A model that fits its contract.

    Attributes:
        contract: Under which the model was trained; for a model alone, one that names its features.
        scorer: The model.
        is_alone: Whether the contract is made up.
        baseline: The training baseline, packed; empty if the artifact has none that can be read.
    """

    contract: DatasetContract
    scorer: Scorer
    is_alone: bool = False
    baseline: bytes = b""


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


def load_model_folder(
    folder: Path, *, threads: int, expected_fingerprint: str | None, is_contract_optional: bool = False
) -> ServedModel:
    """Load the model in `folder` and check that it fits its contract and the run's shards.

    Args:
        folder: An unpacked model artifact.
        threads: Threads that score one payload.
        expected_fingerprint: Of the contract that the shards were made under; None skips the comparison.
        is_contract_optional: Take a model alone too.

    Raises:
        CallerError: Something is missing, unreadable or does not fit.
    """
    model_path = find_model(folder)
    if is_contract_optional and not (folder / CONTRACT_FILE).exists():
        return _load_model_alone(model_path, threads=threads)
    contract = read_contract(folder / CONTRACT_FILE)
    _check_fingerprint(contract, expected_fingerprint)
    if contract.id_field in (SCORE_COLUMN, ERROR_COLUMN):
        raise CallerError(
            f"{folder / CONTRACT_FILE}: the primary key is called {contract.id_field!r}, as is a column of "
            "the answer; rename the field"
        )
    _check_start(model_path)
    scorer = load_scorer(
        model_path,
        threads=threads,
        outputs=contract.outputs,
        model_input=contract.model_input,
        image=contract.image,
    )
    _check_features(model_path, scorer.model, contract)
    _check_categories(model_path, scorer.model, contract)
    return ServedModel(contract=contract, scorer=scorer, baseline=_packed_baseline(folder / BASELINE_FILE))


def _packed_baseline(path: Path) -> bytes:
    """Return the baseline as answers carry it; one that cannot be read is no reason not to score."""
    if not path.exists():
        return b""
    try:
        content = path.read_bytes()
        parse_profile(content, name=path.name)
    except (OSError, CallerError) as error:
        _logger.warning("the training baseline is left out: %s", error)
        return b""
    return packed(content)


def check_model_alone(model_path: Path) -> None:
    """Check that AWS's built-in XGBoost containers can read a model.

    They have versions of XGBoost before 3.1, which wrote the base score as one number. Since then it is a
    list, in whose place an earlier version takes 0.5 without an error [ran: 1.7.6 and 3.0.5].

    Raises:
        CallerError: It is no XGBoost model, or its base score is a list.
    """
    if model_path.suffix not in XGBOOST_SUFFIXES:
        raise CallerError(
            f"{model_path}: only XGBoost models ({', '.join(XGBOOST_SUFFIXES)}) are served without a "
            f"{CONTRACT_FILE}, as AWS's built-in XGBoost container does; package it with its contract"
        )
    _check_start(model_path)
    if _LISTED_BASE_SCORE.search(model_path.read_bytes()):
        raise CallerError(
            f"{model_path}: its base_score is a list, as XGBoost writes it since 3.1; AWS's containers have "
            "earlier versions, which take 0.5 in its place and score wrong without a word; save the "
            "model as JSON and write the number without the brackets, or train with the container's version"
        )


def _load_model_alone(model_path: Path, *, threads: int) -> ServedModel:
    check_model_alone(model_path)
    scorer = load_scorer(model_path, threads=threads)
    count = scorer.model.feature_count
    names = tuple(scorer.model.feature_names) or tuple(f"f{number}" for number in range(count))
    fields = (Field(name=_NO_ID, type="string"), *(Field(name=name, type="number") for name in names))
    contract = DatasetContract(fields=fields, id_field=_NO_ID, features=names)
    return ServedModel(contract=contract, scorer=scorer, is_alone=True)


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


def _check_features(model_path: Path, model: Model | ColumnModel, contract: DatasetContract) -> None:
    if model.feature_count != len(contract.features):
        raise CallerError(
            f"{model_path}: the model reads {model.feature_count} features, the contract names "
            f"{len(contract.features)} ({', '.join(contract.features)}){_lacking(model, contract)}; train on "
            "the contract's features, in its order"
        )
    pairs = zip(model.feature_names, contract.features, strict=False)
    for number, (trained, declared) in enumerate(pairs, start=1):
        if trained not in _spellings(declared):
            raise CallerError(
                f"{model_path}: feature {number} of the model is {trained!r}, the contract says "
                f"{declared!r}; put the contract's `scoring.features` into the model's order"
            )


def _spellings(declared: str) -> tuple[str, str]:
    """Return a feature's name as models have it: LightGBM writes underlines for spaces."""
    return declared, "_".join(declared.split(" "))


def _lacking(model: Model | ColumnModel, contract: DatasetContract) -> str:
    """Say which features only one of the two has; an empty text if the model has no names."""
    known = {name for declared in contract.features for name in _spellings(declared)}
    trained = set(model.feature_names)
    lacking = {
        "contract": [name for name in model.feature_names if name not in known],
        "model": [name for name in contract.features if trained.isdisjoint(_spellings(name))],
    }
    return "".join(
        f"; the {who} lacks {', '.join(map(repr, names[:MAX_SHOWN_FEATURES]))}"
        + (", …" if len(names) > MAX_SHOWN_FEATURES else "")
        for who, names in lacking.items()
        if names and trained
    )


def _check_categories(model_path: Path, model: Model | ColumnModel, contract: DatasetContract) -> None:
    """Refuse codes that mean other categories than in training: nobody would see it in the scores."""
    for order in model.category_orders:
        for field in contract.feature_fields:
            if tuple(order) != field.categories and sorted(order) == sorted(field.categories):
                raise CallerError(
                    f"{model_path}: was trained with the categories {', '.join(order)}, in this order; the "
                    f"contract lists {', '.join(field.categories)} for {field.name!r}; put them into the "
                    "model's order"
                )
