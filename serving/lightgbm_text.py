"""Check the text of a LightGBM model before LightGBM reads it.

LightGBM trusts the text: a tree that is cut off ends the process by an abort that nobody can catch, and an
index that points outside its tree or its record, or numbers of outputs that differ from each other, make it
read and write other memory (all seen in 4.7.0). The text is

    tree                        header: `key=value` lines up to a blank one, with
    num_class=3                   outputs for each record
    num_tree_per_iteration=3      the same; tree i adds to output i modulo this
    objective=multiclass num_class:3   the same again; objectives of one output have no such word
    max_feature_idx=2             the highest number of a feature
    tree_sizes=2299 2090          bytes of each tree that follows
                                (blank)
    Tree=0                      `key=value` lines with arrays of numbers, blank lines at the end
    Tree=1
    end of trees
    parameters:                 what it was trained with, a line each, up to `end of parameters`
    [boosting: gbdt]
    pandas_categorical:null     the last line, in JSON
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from contracts.errors import CallerError

_END = b"end of trees"
_PARAMETER = re.compile(rb"\[[^:]+: .*\]")
_OF_NODES = (
    b"split_gain",
    b"decision_type",
    b"internal_value",
    b"internal_weight",
    b"internal_count",
)
_OF_LEAVES = (b"leaf_value", b"leaf_weight", b"leaf_count")
"""Arrays of numbers with one entry for each, some of which older versions do not write."""

CATEGORICAL = 1
"""Bit of `decision_type`: the split is by a set of categories, and `threshold` is the set's number."""


def _no_nodes() -> np.ndarray:
    return np.empty(0, dtype=np.int64)


class _DamagedTextError(Exception):
    """The text is no whole model; the message says what is wrong."""


@dataclass(frozen=True, kw_only=True)
class TextTree:
    """A tree of n leaves: its n - 1 nodes, then its leaves.

    Attributes:
        leaf_values: float64.
        features: int64 of shape (nodes,).
        thresholds: float64; values up to it go left.
        kinds: int64; bit 0 is set where a split is by a set of categories, bit 1 where missing values go
            left, bits 2 and 3 say what is missing: 1 zero and NaN, 2 NaN, else NaN is zero.
        left: int64; the number of a node, or -1 minus that of a leaf.
        right: int64.
        is_linear: Whether leaves have linear models.
    """

    leaf_values: np.ndarray
    features: np.ndarray = field(default_factory=_no_nodes)
    thresholds: np.ndarray = field(default_factory=_no_nodes)
    kinds: np.ndarray = field(default_factory=_no_nodes)
    left: np.ndarray = field(default_factory=_no_nodes)
    right: np.ndarray = field(default_factory=_no_nodes)
    is_linear: bool = False


@dataclass(frozen=True, kw_only=True)
class ModelText:
    """What a text says.

    Attributes:
        header: Its keys; one without a value stands for itself.
        output_count: Numbers for each record.
        feature_count: Numbers in the vector of a record.
        trees: In their order.
    """

    header: Mapping[bytes, bytes]
    output_count: int
    feature_count: int
    trees: Sequence[TextTree]


def check_model_text(path: Path) -> ModelText:
    """Check that all trees are there, and that no index in them points outside.

    Returns:
        What was read on the way.

    Raises:
        CallerError: One is not, or does.
    """
    try:
        content = path.read_bytes()
        header, _, trees = content.partition(b"\n\n")
        facts = _key_values(header)
        last_feature = _number(facts, b"max_feature_idx")
        output_count = _checked_output_count(facts)
        found = [
            _checked_tree(tree, number, last_feature) for number, tree in enumerate(_trees(facts, trees))
        ]
        _check_parameters(trees)
    except _DamagedTextError as error:
        raise CallerError(
            f"{path}: is no whole LightGBM model: {error}; save it anew with "
            f"`booster.save_model('{path.name}')`"
        ) from error
    return ModelText(header=facts, output_count=output_count, feature_count=last_feature + 1, trees=found)


def _trees(header: Mapping[bytes, bytes], content: bytes) -> Iterator[bytes]:
    content = content.lstrip(b"\n")
    sizes = _integers(header, b"tree_sizes")
    if sizes.size and sizes.min() <= 0:
        raise _DamagedTextError("a tree's size is not positive")
    ends = list(itertools.accumulate(sizes.tolist()))
    if not content[ends[-1] if ends else 0 :].startswith(_END):
        raise _DamagedTextError(f"{_END.decode()!r} is not where the header says; it was cut off or edited")
    for start, end in itertools.pairwise([0, *ends]):
        yield content[start:end]


def _checked_output_count(header: Mapping[bytes, bytes]) -> int:
    """Return the number of outputs once the header says the same wherever it says one."""
    count = _number(header, b"num_class")
    found = {count, _number(header, b"num_tree_per_iteration")}
    objective = header.get(b"objective")
    if objective is not None:
        classes = [word for word in objective.split() if word.startswith(b"num_class:")]
        found |= {
            _number({b"objective": word.partition(b":")[2]}, b"objective") for word in classes or [b":1"]
        }
    if found != {count} or count < 1:
        raise _DamagedTextError(
            "num_class, num_tree_per_iteration and the objective do not say the same number of outputs"
        )
    tree_count = _integers(header, b"tree_sizes").size
    if tree_count % count:
        raise _DamagedTextError(f"{tree_count} trees cannot be shared out evenly among {count} outputs")
    return count


def _checked_tree(tree: bytes, number: int, last_feature: int) -> TextTree:
    if not tree.startswith(f"Tree={number}\n".encode()):
        raise _DamagedTextError(f"tree {number} does not begin where the header says")
    try:
        facts = _tree_facts(tree)
        return _checked_nodes(facts, _number(facts, b"num_leaves"), last_feature)
    except _DamagedTextError as error:
        raise _DamagedTextError(f"tree {number}: {error}") from error


def _check_parameters(content: bytes) -> None:
    _, _, after = content.partition(b"\nparameters:\n")
    for line in after.partition(b"end of parameters")[0].split(b"\n"):
        if line and not _PARAMETER.fullmatch(line):
            raise _DamagedTextError(
                "a line between 'parameters:' and 'end of parameters' is no '[name: value]'"
            )


def _tree_facts(tree: bytes) -> dict[bytes, bytes]:
    if any(b"=" not in line for line in tree.split(b"\n") if line):
        raise _DamagedTextError("has a line without '='")
    return _key_values(tree)


def _checked_nodes(facts: Mapping[bytes, bytes], leaf_count: int, last_feature: int) -> TextTree:
    """Check the arrays of a tree: one entry a node, or a leaf; children stand after their parent."""
    node_count = leaf_count - 1
    values = _floats(facts, b"leaf_value")
    _expect(leaf_count > 0 and len(values) == leaf_count, b"leaf_value")
    is_linear = facts.get(b"is_linear", b"0") != b"0"
    if not node_count:
        return TextTree(leaf_values=values, is_linear=is_linear)  # a tree of one leaf has no other arrays
    for keys, count in ((_OF_NODES, node_count), (_OF_LEAVES, leaf_count)):
        for key in facts.keys() & set(keys):
            _expect(len(_floats(facts, key)) == count, key)
    features = _integers(facts, b"split_feature")
    _expect(len(features) == node_count and _is_within(features, 0, last_feature), b"split_feature")
    thresholds, kinds = _array(facts, b"threshold", np.float64), _integers(facts, b"decision_type")
    # Infinite where all but missing values go one way, which LightGBM does train.
    _expect(len(thresholds) == node_count and not np.isnan(thresholds).any(), b"threshold")
    _check_categories(facts, thresholds[(kinds & CATEGORICAL) > 0])
    if facts.get(b"is_linear") == b"1":
        _check_linear_leaves(facts, leaf_count, last_feature)
    return TextTree(
        leaf_values=values,
        features=features,
        thresholds=thresholds,
        kinds=kinds,
        left=_checked_children(facts, b"left_child", leaf_count),
        right=_checked_children(facts, b"right_child", leaf_count),
        is_linear=is_linear,
    )


def _checked_children(facts: Mapping[bytes, bytes], key: bytes, leaf_count: int) -> np.ndarray:
    children, nodes = _integers(facts, key), np.arange(leaf_count - 1)
    _expect(len(children) == len(nodes) and _is_within(children, -leaf_count, len(nodes) - 1), key)
    _expect(bool(((children < 0) | (children > nodes)).all()), key)
    return children


def _check_linear_leaves(facts: Mapping[bytes, bytes], leaf_count: int, last_feature: int) -> None:
    counts, used = _integers(facts, b"num_features"), _integers(facts, b"leaf_features")
    _expect(len(counts) == leaf_count and counts.sum() == len(used), b"num_features")
    _expect(_is_within(used, 0, last_feature), b"leaf_features")
    _expect(len(_floats(facts, b"leaf_coeff")) == len(used), b"leaf_coeff")
    _expect(len(_floats(facts, b"leaf_const")) == leaf_count, b"leaf_const")


def _check_categories(facts: Mapping[bytes, bytes], set_numbers: np.ndarray) -> None:
    """Check the sets of categories: set i has the words from boundary i up to boundary i + 1."""
    set_count = _number(facts, b"num_cat")
    _expect(_is_within(set_numbers, 0, set_count - 1), b"threshold")
    if not set_count:
        return
    boundaries, words = _integers(facts, b"cat_boundaries"), _integers(facts, b"cat_threshold")
    _expect(len(boundaries) == set_count + 1 and boundaries[0] == 0, b"cat_boundaries")
    _expect(bool((np.diff(boundaries) >= 0).all()) and boundaries[-1] == len(words), b"cat_boundaries")


def _key_values(block: bytes) -> dict[bytes, bytes]:
    pairs = (line.partition(b"=") for line in block.split(b"\n"))
    return {key: value for key, _, value in pairs}


def _number(facts: Mapping[bytes, bytes], key: bytes) -> int:
    numbers = _integers(facts, key)
    _expect(len(numbers) == 1, key)
    return int(numbers[0])


def _integers(facts: Mapping[bytes, bytes], key: bytes) -> np.ndarray:
    return _array(facts, key, np.int64)


def _floats(facts: Mapping[bytes, bytes], key: bytes) -> np.ndarray:
    numbers = _array(facts, key, np.float64)
    _expect(bool(np.isfinite(numbers).all()), key)
    return numbers


def _array(facts: Mapping[bytes, bytes], key: bytes, kind: type[np.generic]) -> np.ndarray:
    try:
        return np.array(facts[key].split(), dtype=kind)
    except KeyError:
        raise _DamagedTextError(f"has no {key.decode()}") from None
    except (ValueError, OverflowError) as error:
        raise _DamagedTextError(f"{key.decode()} has something else than numbers") from error


def _is_within(numbers: np.ndarray, lowest: int, highest: int) -> bool:
    return bool(((numbers >= lowest) & (numbers <= highest)).all())


def _expect(is_right: bool, key: bytes) -> None:
    if not is_right:
        raise _DamagedTextError(f"{key.decode()} has another length, or points outside")
