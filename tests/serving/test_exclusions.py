"""What a record's list names is never among the outputs kept of it, on the wires that carry lists."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.contract_file import parse_contract
from contracts.dataset import ModelOutputs
from contracts.errors import CallerError
from serving import scorer as scorer_module
from serving.column_files import ARROW, PARQUET, ColumnFile
from serving.exclusions import Exclusions, find_exclusions
from serving.invocation import PayloadUnpacksTooLargeError, answer_payload, codecs_for
from serving.scorer import Scorer

CONTRACT = parse_contract(
    b"""
fields:
  - {name: id, type: string}
  - {name: x, type: number}
  - {name: seen, type: list}
primaryKey: id
scoring: {features: [x], outputs: [a, b, c, d], topK: 2, exclude: seen}
""",
    name="contract.yaml",
)
NAMES = ("a", "b", "c", "d")
OUTPUTS = ModelOutputs(count=4, names=NAMES, top_k=2, exclude="seen")
WEIGHTS = np.array([4.0, 3.0, 2.0, 1.0], np.float32)


class Multiplying:
    """A model whose outputs are the one feature times WEIGHTS; remembers how many records it saw at once."""

    feature_count = 1
    feature_names: Sequence[str] = ()
    category_orders: Sequence[Sequence[str]] = ()
    description = "a multiplication"

    def __init__(self) -> None:
        self.seen_at_once: list[int] = []

    def predict(self, vectors: np.ndarray) -> np.ndarray:
        """Return the products."""
        self.seen_at_once.append(len(vectors))
        with np.errstate(over="ignore"):
            return np.asarray(vectors * WEIGHTS)


@pytest.fixture(params=[ARROW, PARQUET], ids=lambda form: form.name)
def form(request: pytest.FixtureRequest) -> ColumnFile:
    """Both forms of files, one after the other."""
    chosen: ColumnFile = request.param
    return chosen


def payload_of(
    lists: pa.Array | list[Any], form: ColumnFile, numbers: Sequence[float] | None = None
) -> bytes:
    lists = lists if isinstance(lists, pa.Array) else pa.array(lists, pa.list_(pa.string()))
    count = len(lists)
    table = pa.table(
        {"id": [f"i{at}" for at in range(count)], "x": list(numbers or [1.0] * count), "seen": lists}
    )
    return form.write(table)


def answered(body: bytes, form: ColumnFile, **options: Any) -> list[dict[str, Any]]:
    codec = codecs_for(CONTRACT)[form.content_type]
    answer = answer_payload(body, codec, Scorer(Multiplying(), OUTPUTS), **options).body
    table = pq.read_table(io.BytesIO(answer)) if form is PARQUET else pa.ipc.open_file(answer).read_all()
    return [{**row, "top": row["top"] and [NAMES[at] for at in row["top"]]} for row in table.to_pylist()]


def test_what_is_listed_is_left_out_and_the_next_takes_its_place(form: ColumnFile) -> None:
    """Names of no output and names that stand twice change nothing; no list excludes nothing."""
    lists = [None, [], ["a"], ["d", "a", "a", "unheard of"], ["unheard of"]]
    found = answered(payload_of(lists, form), form)

    assert [row["top"] for row in found] == [["a", "b"], ["a", "b"], ["b", "c"], ["b", "c"], ["a", "b"]]
    assert found[2]["score"] == [3.0, 2.0]


def test_lists_are_shorter_where_less_is_left(form: ColumnFile) -> None:
    found = answered(payload_of([["a", "b", "c"], ["a"]], form), form)

    assert [row["top"] for row in found] == [["d"], ["b", "c"]]
    assert [row["score"] for row in found] == [[1.0], [3.0, 2.0]]


def test_a_record_of_which_nothing_is_left_has_an_error(form: ColumnFile) -> None:
    (found,) = answered(payload_of([list("abcd")], form), form)

    assert (found["score"], found["top"]) == (None, None)
    assert found["error"] == "all 4 outputs are excluded, so that none is left to be kept"


def test_an_output_that_is_not_finite_is_an_error_though_it_is_excluded(form: ColumnFile) -> None:
    """The model's own failure explains more than what is left of it."""
    found = answered(payload_of([["a"], list("abcd")], form, [3e38, np.nan]), form)

    assert [row["error"][:15] for row in found] == ["output a: the s", "output a: the s"]


@pytest.mark.parametrize(
    "kind",
    [
        pa.large_list(pa.large_string()),
        pa.list_(pa.dictionary(pa.int8(), pa.string())),
        pa.list_(pa.field("element", pa.string(), nullable=False)),
    ],
    ids=str,
)
def test_lists_may_be_stored_in_other_widths(kind: pa.DataType) -> None:
    lists = pa.array([["a"], None, ["b", "unheard of"], []], kind)
    found = answered(payload_of(lists, ARROW), ARROW)

    assert [row["top"] for row in found] == [["b", "c"], ["a", "b"], ["a", "c"], ["a", "b"]]


def test_a_column_of_nothing_excludes_nothing(form: ColumnFile) -> None:
    found = answered(payload_of(pa.nulls(2), form), form)

    assert [row["top"] for row in found] == [["a", "b"]] * 2


@pytest.mark.parametrize("column", [pa.array(["a"]), pa.array([[1]]), pa.array([[["a"]]])])
def test_a_column_that_is_no_list_of_texts_is_refused(form: ColumnFile, column: pa.Array) -> None:
    with pytest.raises(
        CallerError, match=r"column 'seen' of the payload is .*; the contract says a list of texts"
    ):
        answered(payload_of(column, form), form)


def test_a_payload_without_the_list_is_refused(form: ColumnFile) -> None:
    body = form.write(pa.table({"id": ["i"], "x": [1.0]}))

    with pytest.raises(CallerError, match="the payload has no column 'seen'"):
        answered(body, form)


def test_forms_without_lists_are_not_served() -> None:
    """Whoever asks with them would get what he must not."""
    assert set(codecs_for(CONTRACT)) == {ARROW.content_type, PARQUET.content_type}


def test_lists_that_unpack_to_more_than_there_is_memory_are_refused() -> None:
    """A million items that are the same compress to a few kilobytes."""
    lists = pa.array([["unheard of"] * 1_000_000], pa.list_(pa.string()))
    sink = io.BytesIO()
    pq.write_table(pa.table({"id": ["i"], "x": [1.0], "seen": lists}), sink, compression="zstd")

    assert len(sink.getvalue()) < 20_000
    with pytest.raises(PayloadUnpacksTooLargeError, match="which take about 38 MB to score; 10 MB are there"):
        answered(sink.getvalue(), PARQUET, memory_bytes=10 * 1024 * 1024)
    assert answered(sink.getvalue(), PARQUET, memory_bytes=100 * 1024 * 1024)[0]["top"] == ["a", "b"]


@pytest.mark.parametrize(
    "items",
    [
        pa.nulls(1_000_000),
        pa.DictionaryArray.from_arrays(pa.array(np.zeros(1_000_000, np.int8)), pa.array(["unheard of"])),
    ],
    ids=["without values", "of a dictionary"],
)
def test_items_that_take_a_byte_of_an_arrow_payload_or_none_count_too(items: pa.Array) -> None:
    """A list states how many items it has, and each takes memory once it is looked up."""
    lists = pa.ListArray.from_arrays(pa.array([0, len(items)], pa.int32()), items)
    body = payload_of(lists, ARROW)

    with pytest.raises(PayloadUnpacksTooLargeError, match="10 MB are there"):
        answered(body, ARROW, memory_bytes=10 * 1024 * 1024)
    assert answered(body, ARROW, memory_bytes=100 * 1024 * 1024)[0]["top"] == ["a", "b"]


def test_of_thousands_of_outputs_a_few_records_are_scored_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scorer_module, "SCORED_AT_ONCE", 12)
    model = Multiplying()
    scores = Scorer(model, OUTPUTS).score(np.ones((8, 1), np.float32))

    assert model.seen_at_once == [3, 3, 2]
    assert scores.values.tolist() == [[4.0, 3.0]] * 8


def test_all_outputs_are_scored_at_once_where_all_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """They must all be there for the answer anyway."""
    monkeypatch.setattr(scorer_module, "SCORED_AT_ONCE", 12)
    model = Multiplying()
    Scorer(model, ModelOutputs(count=4)).score(np.ones((8, 1), np.float32))

    assert model.seen_at_once == [8]


def test_only_what_is_kept_counts_for_the_answers_memory() -> None:
    """Of 4 outputs, 2 are kept: 128 bytes a record, and what is scored at one time."""
    body = payload_of([None] * 10_000, ARROW)
    needed = len(body) + 10_000 * 2 * 64 + 10_000 * 4 * 32

    assert len(answered(body, ARROW, memory_bytes=needed)) == 10_000
    with pytest.raises(PayloadUnpacksTooLargeError, match="10000 records with 2 outputs each to be kept"):
        answered(body, ARROW, memory_bytes=needed - 1)


ITEMS = st.lists(st.sampled_from([*NAMES, "unheard of"]), max_size=6)


@given(st.lists(st.tuples(st.none() | ITEMS, st.sampled_from([-1.0, 0.0, 1.0, np.nan])), max_size=12))
def test_slices_and_whole_payloads_give_what_plain_python_gives(records: list[tuple[Any, float]]) -> None:
    """In the order of the numbers, equal ones in the model's order."""
    lists = pa.chunked_array([pa.array([one for one, _ in records], pa.list_(pa.string()))])
    vectors = np.array([number for _, number in records], np.float32).reshape(-1, 1)
    excluded = find_exclusions(lists, NAMES)
    with pytest.MonkeyPatch.context() as patch:
        whole = Scorer(Multiplying(), OUTPUTS).score(vectors, excluded)
        patch.setattr(scorer_module, "SCORED_AT_ONCE", 8)
        sliced = Scorer(Multiplying(), OUTPUTS).score(vectors, excluded)

    for scores in (whole, sliced):
        counts = [2] * len(records) if scores.counts is None else scores.counts.tolist()
        for at, (items, number) in enumerate(records):
            left = [place for place, name in enumerate(NAMES) if name not in (items or [])]
            best = sorted(left, key=lambda place, by=number: (-by * WEIGHTS[place], place))[:2]
            assert (at in scores.faults) == (np.isnan(number) or not best)
            if at not in scores.faults:
                assert scores.top is not None
                assert scores.top[at, : counts[at]].tolist() == best
    assert dict(whole.faults) == dict(sliced.faults)


def test_exclusions_are_cut_with_the_records() -> None:
    excluded = Exclusions(rows=np.array([0, 1, 1, 4]), outputs=np.array([3, 2, 1, 0]))

    part = excluded.part(1, 4)

    assert (part.rows.tolist(), part.outputs.tolist()) == ([0, 0], [2, 1])
