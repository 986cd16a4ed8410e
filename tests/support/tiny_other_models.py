"""The model of `tiny_model` as LightGBM text and as ONNX, written by hand: the same scores, term by term."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from onnx import TensorProto, checker, helper
from tiny_model import ACTIVE_TERMS, ADULT_AGE, AGE_TERMS, BASE_SCORE, PLAN_TERMS

FEATURE_NAMES = ("age", "plan", "active")


@dataclass(frozen=True)
class Stump:
    """A tree with one split; a missing value goes to `then`."""

    feature: int
    below: float
    then: float
    otherwise: float


_BASIC, _PLUS, _PRO = PLAN_TERMS.values()
STUMPS = (
    Stump(0, ADULT_AGE, BASE_SCORE + AGE_TERMS[True], BASE_SCORE + AGE_TERMS[False]),
    Stump(1, 0.5, _BASIC, _PLUS),
    Stump(1, 1.5, 0.0, _PRO - _PLUS),
    Stump(2, 0.5, ACTIVE_TERMS[False], ACTIVE_TERMS[True]),
)

_NAN_GOES_LEFT = 2 | 2 << 2
"""LightGBM's decision type: default left, and the missing type is NaN."""


def make_tiny_lightgbm(path: Path) -> Path:
    """Write the model as LightGBM text and return `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(lightgbm_text(STUMPS))
    return path


def lightgbm_text(stumps: Sequence[Stump], output_count: int = 1) -> str:
    """Return stumps as LightGBM text; of several outputs, stump i adds to output i modulo their number."""
    # LightGBM goes left up to and including the threshold; ages are whole numbers.
    trees = [
        f"Tree={number}\nnum_leaves=2\nnum_cat=0\nsplit_feature={stump.feature}\nsplit_gain=1\n"
        f"threshold={stump.below - 0.25}\ndecision_type={_NAN_GOES_LEFT}\nleft_child=-1\nright_child=-2\n"
        f"leaf_value={stump.then} {stump.otherwise}\nleaf_weight=1 1\nleaf_count=1 1\ninternal_value=0\n"
        "internal_weight=0\ninternal_count=2\nis_linear=0\nshrinkage=1\n\n\n"
        for number, stump in enumerate(stumps)
    ]
    objective = "objective=regression\n" if output_count == 1 else ""
    header = (
        f"tree\nversion=v4\nnum_class={output_count}\nnum_tree_per_iteration={output_count}\nlabel_index=0\n"
        f"max_feature_idx=2\n{objective}feature_names={' '.join(FEATURE_NAMES)}\n"
        f"feature_infos=[0:130] [0:2] [0:1]\n"
        f"tree_sizes={' '.join(str(len(tree)) for tree in trees)}\n\n"
    )
    return header + "".join(trees) + "end of trees\n\npandas_categorical:null\n"


def make_tiny_onnx(path: Path) -> Path:
    """Write the model as an ONNX tree ensemble and return `path`."""
    return write_onnx(path, [onnx_ensemble(STUMPS)], inputs={"X": [None, 3]}, outputs={"score": [None, 1]})


def onnx_ensemble(stumps: Sequence[Stump], output_count: int = 1) -> object:
    """Return stumps as a node from X to score; of several outputs, stump i adds to i modulo their number."""
    count = len(stumps)
    return helper.make_node(
        "TreeEnsembleRegressor",
        ["X"],
        ["score"],
        domain="ai.onnx.ml",
        n_targets=output_count,
        nodes_treeids=[tree for tree in range(count) for _ in range(3)],
        nodes_nodeids=[0, 1, 2] * count,
        nodes_modes=["BRANCH_LT", "LEAF", "LEAF"] * count,
        nodes_featureids=[number for stump in stumps for number in (stump.feature, 0, 0)],
        nodes_values=[float(value) for stump in stumps for value in (stump.below, 0, 0)],
        nodes_truenodeids=[1, 0, 0] * count,
        nodes_falsenodeids=[2, 0, 0] * count,
        nodes_missing_value_tracks_true=[1, 0, 0] * count,
        target_treeids=[tree for tree in range(count) for _ in range(2)],
        target_nodeids=[1, 2] * count,
        target_ids=[tree % output_count for tree in range(count) for _ in range(2)],
        target_weights=[weight for stump in stumps for weight in (stump.then, stump.otherwise)],
    )


def write_onnx(
    path: Path,
    nodes: list[object],
    *,
    inputs: dict[str, list[int | None]],
    outputs: dict[str, list[int | None]],
    kinds: dict[str, int] | None = None,
    weights: Sequence[TensorProto] = (),
) -> Path:
    """Write a graph whose inputs and outputs are float32, but those in `kinds`, and return `path`."""
    kinds = kinds or {}

    def infos(shapes: dict[str, list[int | None]]) -> list[object]:
        return [
            helper.make_tensor_value_info(name, kinds.get(name, TensorProto.FLOAT), shape)
            for name, shape in shapes.items()
        ]

    model = helper.make_model(
        helper.make_graph(nodes, "tiny", infos(inputs), infos(outputs), list(weights)),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)],
        ir_version=8,
        producer_name="tests",
    )
    if not weights:  # the checker would look for them
        checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path
