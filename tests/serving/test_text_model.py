"""A text gets the numbers of its own tokens, whoever stands beside it; odd models are refused in words."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_other_models import make_tiny_onnx
from tiny_text import (
    MAX_TOKENS,
    TEXT_CONTRACT,
    make_text_folder,
    make_text_model,
    make_tokenizer,
    tiny_vector,
)
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing

from contracts.dataset import ModelOutputs
from contracts.errors import CallerError
from serving import text_tokens
from serving.model_folder import load_model_folder
from serving.scorer import Scorer
from serving.text_model import load_model
from serving.text_tokens import Tokens, load_tokenizer, token_batches

pytestmark = pytest.mark.functional

TEXTS = ["good", "very bad", "good good very other bad", "bad " * 20, "", "  ", "good", "nobody knows"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_text_folder(tmp_path_factory.mktemp("text"))


@pytest.fixture(scope="module")
def scorer(folder: Path) -> Scorer:
    return load_model_folder(folder, threads=1, expected_fingerprint=None).scorer


def test_a_text_is_worth_what_its_tokens_add_up_to(scorer: Scorer) -> None:
    """Cut after as many tokens as the tokenizer says; without a token there is nothing to add up."""
    scores = scorer.score(pa.chunked_array([TEXTS[:3], TEXTS[3:]]))
    assert dict(scores.faults) == dict.fromkeys((4, 5), "the text has no token that the tokenizer knows")
    for at, text in enumerate(TEXTS):
        if at not in scores.faults:
            assert scores.values[at].tolist() == tiny_vector(text)
    assert scores.values[3].tolist() == [-MAX_TOKENS, 0.25 * MAX_TOKENS]


def test_numbers_are_of_the_bits_that_the_contract_says(scorer: Scorer, tmp_path: Path) -> None:
    column = pa.chunked_array([["good"]])
    assert scorer.score(column).values.dtype == np.float32
    wide = make_text_folder(tmp_path, TEXT_CONTRACT.replace("{count: 2, type: float32}", "2"))
    served = load_model_folder(wide, threads=1, expected_fingerprint=None).scorer
    assert served.score(column).values.dtype == np.float64


@given(texts=st.lists(st.sampled_from([*TEXTS, None]), max_size=12), cut=st.integers(0, 12))
def test_a_text_has_the_same_numbers_in_any_company(folder: Path, texts: list[str | None], cut: int) -> None:
    """Stored as texts or as a dictionary, in one chunk or in two."""
    served = load_model_folder(folder, threads=1, expected_fingerprint=None).scorer
    plain = pa.chunked_array([pa.array(texts[:cut], pa.string()), pa.array(texts[cut:], pa.string())])
    for column in (plain, pa.chunked_array([chunk.dictionary_encode() for chunk in plain.chunks])):
        scores = served.score(column)
        for at, text in enumerate(texts):
            expected = None if text is None or not text.strip() else tiny_vector(text)
            assert (at in scores.faults) == (expected is None)
            assert expected is None or scores.values[at].tolist() == expected


def test_a_dictionary_with_a_null_among_its_values_is_a_missing_text(scorer: Scorer) -> None:
    odd = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], pa.int32()), pa.array(["good", None]))
    scores = scorer.score(pa.chunked_array([odd]))
    assert dict(scores.faults) == {1: "the text is missing"}
    assert scores.values[[0, 2]].tolist() == [[1.0, 0.5]] * 2


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 100))
def test_batches_have_every_text_with_a_token_once_and_little_padding(lengths: list[int], limit: int) -> None:
    found = list(token_batches(np.array(lengths, np.int64), limit))
    assert sorted(int(at) for batch in found for at in batch) == [at for at, n in enumerate(lengths) if n]
    for batch in found:
        longest = max(lengths[at] for at in batch)
        assert len(batch) == 1 or len(batch) * longest <= limit


def test_texts_are_cut_into_tokens_a_bounded_number_at_a_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many and long they are, and with the same tokens."""
    tokenizer = load_tokenizer(folder)
    whole, faults = tokenizer.tokens(TEXTS)
    monkeypatch.setattr(text_tokens, "TEXTS_AT_ONCE", 2)
    monkeypatch.setattr(text_tokens, "CHARS_AT_ONCE", 30)
    monkeypatch.setattr(text_tokens, "MAX_CHARS_PER_TOKEN", 10)
    assert list(text_tokens._slices(TEXTS)) == [(0, 2), (2, 3), (3, 4), (4, 6), (6, 8)]
    found, odd = tokenizer.tokens([*TEXTS, " " * 60 + "good"])
    np.testing.assert_array_equal(found.ids, whole.ids)
    assert (found.lengths.tolist(), odd.keys()) == ([*whole.lengths.tolist(), 0], {*faults, len(TEXTS)})


def test_padding_is_masked() -> None:
    tokens = Tokens(ids=np.array([5, 6, 7, 8, 9]), lengths=np.array([2, 3]))
    ids, mask = tokens.padded(np.array([1, 0]), pad_id=0)
    assert ids.tolist() == [[7, 8, 9], [5, 6, 0]]
    assert mask.tolist() == [[1, 1, 1], [1, 1, 0]]


def test_a_model_with_one_number_for_a_text_scores_it(tmp_path: Path) -> None:
    """A column of one number, or a number, is a score."""
    make_tokenizer(tmp_path / "tokenizer.json")
    model = load_model(make_text_model(tmp_path / "model.onnx", output_count=1), threads=1)
    assert Scorer(model).score(pa.chunked_array([["very good"]])).values.tolist() == [11.0]


def test_a_text_that_the_tokenizer_fails_on_is_a_fault_of_its_record_only(tmp_path: Path) -> None:
    """Such as a word that it does not know, without a token for unknown ones; it knows those of the probe."""
    make_tokenizer(tmp_path / "tokenizer.json")
    document = json.loads((tmp_path / "tokenizer.json").read_text())
    document["model"]["vocab"] |= dict.fromkeys(["A", "text", "of", "some", "words", "."], 1)
    document["model"]["unk_token"] = "[NOT THERE]"  # noqa: S105 - a word, and no secret
    (tmp_path / "tokenizer.json").write_text(json.dumps(document))
    model = load_model(make_text_model(tmp_path / "model.onnx"), threads=1, output_count=2)
    scores = Scorer(model, ModelOutputs(count=2)).score(pa.chunked_array([["good", "stranger", "bad"]]))
    assert list(scores.faults) == [1]
    assert "the tokenizer cannot read the text: WordLevel error" in scores.faults[1]
    assert scores.values[[0, 2], 0].tolist() == [1.0, -1.0]


def refusal(folder: Path) -> str:
    with pytest.raises(CallerError) as caught:
        load_model_folder(folder, threads=1, expected_fingerprint=None)
    return str(caught.value)


def with_unknown_special_token(folder: Path) -> None:
    """Let the tokenizer add a token that it does not have, at which the library panics."""
    document = json.loads((folder / "tokenizer.json").read_text())
    part = {"SpecialToken": {"id": "[CLS]", "type_id": 0}}
    single = [part, {"Sequence": {"id": "A", "type_id": 0}}]
    other = {"[SEP]": {"id": "[SEP]", "ids": [1], "tokens": ["[SEP]"]}}
    document["post_processor"] = {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [*single, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": other,
    }
    (folder / "tokenizer.json").write_text(json.dumps(document))


def with_added(folder: Path, *ids: int, max_tokens: int = MAX_TOKENS) -> None:
    """Let the tokenizer add tokens with these ids before each text."""
    path = make_tokenizer(folder / "tokenizer.json", max_tokens=max_tokens)
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.post_processor = TemplateProcessing(
        single=["$A", *(f"[{number}]" for number in range(len(ids)))],
        special_tokens=[(f"[{number}]", token) for number, token in enumerate(ids)],
    )
    tokenizer.save(str(path))


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda f: with_added(f, 0, 1, max_tokens=2), "at 2 tokens, of which 2 are added around each text"),
        (lambda f: with_added(f, 0, 1, max_tokens=1), "at 1 tokens, of which 2 are added around each text"),
        (lambda f: with_added(f, 1000), "with ids up to 1000, as the tokenizer makes them"),
        (lambda f: (f / "tokenizer.json").unlink(), "tokenizer.json: cannot be read: No such file"),
        (lambda f: (f / "tokenizer.json").write_bytes(b""), "is no tokenizer of Hugging Face's `tokenizers`"),
        (lambda f: (f / "tokenizer.json").write_bytes(b"\x80\x04"), "is no tokenizer of Hugging Face's"),
        (lambda f: (f / "tokenizer.json").write_text("{}"), "Model missing"),
        (with_unknown_special_token, "cannot be used to cut texts: no entry found for key"),
        (
            lambda f: make_tokenizer(f / "tokenizer.json", max_tokens=None),
            "does not say where long texts are cut",
        ),
        (
            lambda f: make_tokenizer(f / "tokenizer.json", max_tokens=9000),
            "cuts texts at 9000 tokens; expected",
        ),
        (
            lambda f: make_text_model(f / "model.onnx", is_pooled=False),
            "[3, 6, 2]: numbers for each token; pool",
        ),
        (
            lambda f: make_text_model(f / "model.onnx", output_count=1),
            "the model has 1 output for each record",
        ),
        (lambda f: make_tiny_onnx(f / "model.onnx"), "expected input_ids, attention_mask and, if it wants"),
    ],
)
def test_what_cannot_be_served_is_refused_before_the_first_text(
    tmp_path: Path, spoil: Callable[[Path], object], expected: str
) -> None:
    folder = make_text_folder(tmp_path)
    spoil(folder)
    assert expected in refusal(folder)


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    """It makes ids that the graph has no place for: the first such text would fail its whole payload."""
    folder = make_text_folder(tmp_path)
    document = json.loads((folder / "tokenizer.json").read_text())
    document["model"]["vocab"]["unheard of"] = 1000
    (folder / "tokenizer.json").write_text(json.dumps(document))
    message = refusal(folder)
    assert "cannot use this model" in message
    assert "with ids up to 1000, as the tokenizer makes them" in message


@given(cut=st.integers(0, 600), byte=st.integers(0, 255), is_cut=st.booleans())
def test_a_damaged_tokenizer_is_served_or_refused_in_words(
    folder: Path, cut: int, byte: int, is_cut: bool
) -> None:
    """Never a stack trace, and never the end of the process."""
    content = (folder / "tokenizer.json").read_bytes()
    damaged = folder / "damaged" / "tokenizer.json"
    damaged.parent.mkdir(exist_ok=True)
    damaged.write_bytes(content[:cut] if is_cut else content[:cut] + bytes([byte]) + content[cut + 1 :])
    with contextlib.suppress(CallerError):
        load_tokenizer(damaged.parent).tokens(TEXTS)


def test_a_tokenizer_library_that_is_not_installed_is_named_with_its_extra(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("serving.text_model", "serving.text_tokens"):
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(CallerError, match=r"tokenizers.*pip install 'batchscore\[onnx,text\]'"):
        load_model_folder(folder, threads=1, expected_fingerprint=None)
