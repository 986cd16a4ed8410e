"""A model of three outputs that a reader can add up, in every format, and the contract that goes with it.

The outputs of a record are the three terms of `tiny_model`, one each:

    age_term     1 if age < 30 else 2
    plan_term    10 for basic, 20 for plus, 30 for pro
    active_term  200 if active else 100
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import xgboost
from tiny_model import (
    ACTIVE_TERMS,
    ADULT_AGE,
    AGE_TERMS,
    PLAN_TERMS,
    TINY_CONTRACT,
    xgboost_model,
    xgboost_tree,
)
from tiny_other_models import Stump, lightgbm_text, onnx_ensemble, write_onnx

OUTPUT_NAMES = ("age_term", "plan_term", "active_term")
OUTPUTS_CONTRACT = f"{TINY_CONTRACT}  outputs: [{', '.join(OUTPUT_NAMES)}]\n"
LARGEST_CONTRACT = f"{OUTPUTS_CONTRACT}  topK: 2\n"

_BASIC, _PLUS, _PRO = PLAN_TERMS.values()
_NOTHING = Stump(0, ADULT_AGE, 0.0, 0.0)
_ROUNDS = (
    Stump(0, ADULT_AGE, AGE_TERMS[True], AGE_TERMS[False]),
    Stump(1, 0.5, _BASIC, _PLUS),
    Stump(2, 0.5, ACTIVE_TERMS[False], ACTIVE_TERMS[True]),
    _NOTHING,
    Stump(1, 1.5, 0.0, _PRO - _PLUS),
    _NOTHING,
)
"""Tree i adds to output i modulo 3."""


def tiny_outputs(age: int | None, plan: str | None, active: bool | None) -> list[float]:
    """Return what the model answers for one record."""
    return [
        AGE_TERMS[age is None or age < ADULT_AGE],
        PLAN_TERMS[plan or "basic"],
        ACTIVE_TERMS[bool(active)],
    ]


def make_tiny_outputs(path: Path) -> Path:
    """Write the model in the format that the ending of `path` says, and return `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return _MAKERS[path.suffix](path)


def make_tiny_outputs_folder(folder: Path, name: str, contract: str = OUTPUTS_CONTRACT) -> Path:
    """Write the model and its contract as an unpacked artifact into `folder`, and return `folder`."""
    make_tiny_outputs(folder / name)
    (folder / "contract.json").write_text(contract)
    return folder


def _xgboost(path: Path) -> Path:
    trees = [
        xgboost_tree(
            number,
            {"feature": stump.feature, "below": stump.below, "then": stump.then, "else": stump.otherwise},
        )
        for number, stump in enumerate(_ROUNDS)
    ]
    booster = xgboost.Booster()
    model = xgboost_model(trees, base_score=[0.0] * 3)
    booster.load_model(bytearray(json.dumps(model).encode()))
    booster.save_model(path)
    return path


def _lightgbm(path: Path) -> Path:
    path.write_text(lightgbm_text(_ROUNDS, output_count=3))
    return path


def _onnx(path: Path) -> Path:
    node = onnx_ensemble(_ROUNDS, output_count=3)
    return write_onnx(path, [node], inputs={"X": [None, 3]}, outputs={"score": [None, 3]})


_MAKERS: dict[str, Callable[[Path], Path]] = {
    ".json": _xgboost,
    ".ubj": _xgboost,
    ".txt": _lightgbm,
    ".onnx": _onnx,
}
