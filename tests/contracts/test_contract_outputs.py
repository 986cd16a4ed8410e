"""What a contract says of a model with several outputs is read, or refused with the remedy."""

from __future__ import annotations

import pytest

from contracts.contract_file import parse_contract
from contracts.contract_outputs import score_columns, top_columns
from contracts.dataset import DatasetContract, ModelOutputs
from contracts.errors import CallerError
from contracts.keep_columns import kept_names

CONTRACT = """
fields:
  - {{name: {id}, type: string}}
  - {{name: size, type: number}}
  - {{name: score_b, type: number}}
  - {{name: species, type: string}}
primaryKey: {id}
scoring: {{features: [size], {scoring}}}
"""


def parse(scoring: str, id_field: str = "id") -> DatasetContract:
    text = CONTRACT.format(id=id_field, scoring=scoring)
    return parse_contract(text.encode(), name="contract.yaml")


@pytest.mark.parametrize(
    ("scoring", "expected"),
    [
        ("duplicateIds: keepFirst", None),
        ("outputs: [a, b, c]", ModelOutputs(count=3, names=("a", "b", "c"))),
        ("outputs: 384", ModelOutputs(count=384)),
        ("outputs: [a, b, c], topK: 3", ModelOutputs(count=3, names=("a", "b", "c"), top_k=3)),
        ("outputs: 384, topK: 1", ModelOutputs(count=384, top_k=1)),
        ("outputs: {count: 384}", ModelOutputs(count=384)),
        ("outputs: {count: 384, type: float32}", ModelOutputs(count=384, number_type="float32")),
    ],
)
def test_outputs_are_names_or_a_number_and_may_be_cut_to_the_largest(
    scoring: str, expected: ModelOutputs | None
) -> None:
    assert parse(scoring).outputs == expected


@pytest.mark.parametrize(
    ("scoring", "expected"),
    [
        ("outputs: [a, a]", "`scoring.outputs` names a value twice"),
        ('outputs: [a, ""]', "`scoring.outputs` has an empty name"),
        ("outputs: [a, no]", "`scoring.outputs` has False (bool); expected text: quote it"),
        ("outputs: [a]", "`scoring.outputs` has 1 names; expected at least two names in the model's order"),
        ("outputs: []", "a model with one output needs no `outputs`"),
        ("outputs: 1", "`scoring.outputs` is 1; expected at least two names"),
        ("outputs: -3", "`scoring.outputs` is -3; expected at least two names"),
        ("outputs: 1000001", "`scoring.outputs` is 1000001; at most 1000000 are supported"),
        ("outputs: true", "`scoring.outputs` is True (bool); expected"),
        ("outputs: 2.0", "`scoring.outputs` is 2.0 (float); expected"),
        ("outputs: a", "`scoring.outputs` is 'a' (str); expected"),
        ("outputs: {a: 1}", "`scoring.outputs` has the unknown key 'a'; valid: count, type"),
        ("outputs: {type: float32}", "`scoring.outputs` is None (NoneType); expected"),
        (
            "outputs: {count: 9, type: float16}",
            "`scoring.outputs.type` is 'float16'; valid: float64, float32",
        ),
        (
            "outputs: {count: [a, b], type: float32}",
            "`scoring.outputs.count` is a list; names have no `type`",
        ),
        ("outputs: {count: 9, type: float32}, topK: 1", "`scoring.topK` keeps float64; leave the `type`"),
        ("outputs: [a, b], topK: 0", "`scoring.topK` is 0; expected a whole number from 1 to 2"),
        ("outputs: [a, b], topK: 3", "`scoring.topK` is 3; expected a whole number from 1 to 2"),
        ("outputs: 9, topK: true", "`scoring.topK` is True; expected a whole number from 1 to 9"),
        ("outputs: 9, topK: two", "`scoring.topK` is 'two'; expected a whole number from 1 to 9"),
        ("topK: 1", "`scoring.topK` is given without `scoring.outputs`"),
        ("outputs: 9, topk: 1", "unknown key 'topk'; did you mean 'topK'?"),
        ("output: 9", "unknown key 'output'; did you mean 'outputs'?"),
        (
            "outputs: 9, label: species, positiveLabel: a",
            "`scoring.positiveLabel` is what one score predicts",
        ),
    ],
)
def test_wrong_outputs_are_refused_with_the_remedy(scoring: str, expected: str) -> None:
    with pytest.raises(CallerError, match=r"^contract\.yaml: the contract is wrong") as caught:
        parse(scoring)
    assert expected in str(caught.value)


def test_a_label_of_many_classes_needs_no_positive_one() -> None:
    assert parse("outputs: [a, b], label: species").label == "species"


def test_the_fingerprint_changes_with_the_outputs_and_is_the_old_one_without() -> None:
    """Packages that were made before go on fitting."""
    variants = ["outputs: [a, b]", "outputs: [b, a]", "outputs: 2", "outputs: 3", "outputs: 2, topK: 1"]
    variants.append("outputs: {count: 2, type: float32}")
    fingerprints = [parse(scoring).fingerprint for scoring in ("duplicateIds: keepFirst", *variants)]

    assert len(set(fingerprints)) == len(fingerprints)
    assert fingerprints[0] == "371d559e30be8a63"
    assert parse("outputs: {count: 2, type: float64}").fingerprint == parse("outputs: 2").fingerprint


def test_published_columns_are_called_by_name_by_position_or_by_rank() -> None:
    named, numbered = ModelOutputs(count=2, names=("a", "b")), ModelOutputs(count=3)
    ranked = ModelOutputs(count=3, top_k=2)

    assert (score_columns(named), top_columns(named)) == (["score_a", "score_b"], [])
    assert score_columns(numbered) == ["score_0", "score_1", "score_2"]
    assert (score_columns(ranked), top_columns(ranked)) == (["score_1", "score_2"], ["top_1", "top_2"])


@pytest.mark.parametrize(
    ("id_field", "scoring"),
    [("score_a", "outputs: [a, b]"), ("top", "outputs: 3, topK: 1"), ("score_0", "outputs: 2")],
)
def test_an_id_may_not_be_called_like_an_output(id_field: str, scoring: str) -> None:
    with pytest.raises(
        CallerError, match=f"the primary key is called '{id_field}', as is a published column"
    ):
        parse(scoring, id_field)


def test_a_kept_column_may_not_be_called_like_an_output() -> None:
    assert kept_names("score_b", parse("outputs: [a, c]")) == ("score_b",)
    with pytest.raises(CallerError, match="'score_b' is also a published column of the contract's `outputs`"):
        kept_names("score_b", parse("outputs: [a, b]"))
