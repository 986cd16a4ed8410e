"""A model whose scores a reader can add up, and the contract that goes with it.

    score = 0.5
          + (1 if age < 30 else 2)
          + (10 for basic, 20 for plus, 30 for pro)
          + (200 if active else 100)

A missing value counts as young, basic or inactive. Every term and sum is exact in a 32-bit float.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xgboost

BASE_SCORE = 0.5
ADULT_AGE = 30
AGE_TERMS = {True: 1.0, False: 2.0}
"""By whether somebody is younger than ADULT_AGE."""
PLAN_TERMS = {"basic": 10.0, "plus": 20.0, "pro": 30.0}
ACTIVE_TERMS = {False: 100.0, True: 200.0}

TINY_CONTRACT = """\
description: Customers of an imaginary shop.
fields:
  - {name: customer_id, type: string, constraints: {required: true, minLength: 1}}
  - {name: age, type: integer, constraints: {minimum: 0, maximum: 130}}
  - {name: plan, type: string, categories: [basic, plus, pro]}
  - {name: active, type: boolean}
primaryKey: customer_id
missingValues: [""]
scoring:
  features: [age, plan, active]
"""


def tiny_score(age: int | None, plan: str | None, active: bool | None) -> float:
    """Return what the model answers for one record."""
    is_young = age is None or age < ADULT_AGE
    return BASE_SCORE + AGE_TERMS[is_young] + PLAN_TERMS[plan or "basic"] + ACTIVE_TERMS[bool(active)]


def make_tiny_model(path: Path) -> Path:
    """Write the model to `path` (`.json` or `.ubj`) and return `path`."""
    basic, plus, pro = PLAN_TERMS.values()
    stumps = [
        xgboost_tree(
            0, {"feature": 0, "below": ADULT_AGE, "then": AGE_TERMS[True], "else": AGE_TERMS[False]}
        ),
        xgboost_tree(1, {"feature": 1, "below": 0.5, "then": basic, "else": plus}),
        xgboost_tree(2, {"feature": 1, "below": 1.5, "then": 0.0, "else": pro - plus}),
        xgboost_tree(
            3, {"feature": 2, "below": 0.5, "then": ACTIVE_TERMS[False], "else": ACTIVE_TERMS[True]}
        ),
    ]
    booster = xgboost.Booster()
    booster.load_model(bytearray(json.dumps(xgboost_model(stumps)).encode()))
    path.parent.mkdir(parents=True, exist_ok=True)
    booster.save_model(path)
    return path


def make_lone_tiny_model(path: Path) -> Path:
    """Write the model as every version of XGBoost reads it: the base score is one number and no list."""
    make_tiny_model(path)
    content = path.read_bytes()
    if path.suffix == ".json":
        content = re.sub(rb'"base_score":"\[(.+?)\]"', rb'"base_score":"\1"', content)
    else:  # UBJSON: S for a text, L for a length of eight bytes
        listed = re.compile(rb"base_scoreSL.{8}\[(.+?)\]", re.DOTALL)
        content = listed.sub(
            lambda found: b"base_scoreSL" + struct.pack(">q", len(found[1])) + found[1], content
        )
    path.write_bytes(content)
    return path


def make_tiny_model_folder(folder: Path, *, model_name: str = "model.json") -> Path:
    """Write the model and its contract as an unpacked artifact into `folder` and return `folder`."""
    make_tiny_model(folder / model_name)
    (folder / "contract.json").write_text(TINY_CONTRACT)
    return folder


def xgboost_tree(number: int, stump: dict[str, Any]) -> dict[str, Any]:
    """Return one tree with one split, in the words of XGBoost's JSON; a missing value goes to `then`."""
    values = [0.0, stump["then"], stump["else"]]
    return {
        "base_weights": values,
        "categories": [],
        "categories_nodes": [],
        "categories_segments": [],
        "categories_sizes": [],
        "default_left": [1, 0, 0],
        "id": number,
        "left_children": [1, -1, -1],
        "loss_changes": [1.0, 0.0, 0.0],
        "parents": [2147483647, 0, 0],
        "right_children": [2, -1, -1],
        "split_conditions": [float(stump["below"]), *values[1:]],
        "split_indices": [stump["feature"], 0, 0],
        "split_type": [0, 0, 0],
        "sum_hessian": [2.0, 1.0, 1.0],
        "tree_param": {"num_deleted": "0", "num_feature": "3", "num_nodes": "3", "size_leaf_vector": "1"},
    }


def xgboost_model(trees: list[dict[str, Any]], base_score: Sequence[float] = ()) -> dict[str, Any]:
    """Return a regression in the words of XGBoost's JSON, with an output for each of several base scores."""
    output_count = len(base_score) or 1
    booster = {
        "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": str(len(trees))},
        "iteration_indptr": list(range(0, len(trees) + 1, output_count)),
        "tree_info": [number % output_count for number in range(len(trees))],
        "trees": trees,
    }
    learner = {
        "attributes": {},
        "feature_names": [],
        "feature_types": [],
        "gradient_booster": {"model": booster, "name": "gbtree"},
        "learner_model_param": {
            "base_score": str(list(base_score) or BASE_SCORE),
            "boost_from_average": "0",
            "num_class": "0",
            "num_feature": "3",
            "num_target": str(output_count),
        },
        "objective": {"name": "reg:squarederror", "reg_loss_param": {"scale_pos_weight": "1"}},
    }
    return {"learner": learner, "version": [3, 0, 0]}
