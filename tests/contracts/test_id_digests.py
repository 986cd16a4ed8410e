"""Digests of ids are equal exactly where the ids are, and repeated ones are found in bounded memory."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import repeated_digests
from contracts.duplicate_ids import duplicate_message, find_repeated_ids
from contracts.id_digests import LONG_ID_BYTES, ROWS_AT_ONCE, IdDigester
from contracts.repeated_digests import DigestSpill, dealt_out

DIGESTER = IdDigester()
TEXTS = st.one_of(
    st.text(alphabet="ab\x00é", max_size=20),
    st.builds(lambda text, count: text * count, st.text(alphabet="ab", max_size=3), st.integers(0, 600)),
)


def classes(values: list[Any]) -> list[int]:
    """Return for each value the position of the first that equals it."""
    return [values.index(value) for value in values]


def test_a_length_is_not_undone_by_the_first_byte() -> None:
    quick = DIGESTER.quick(pa.array(["a", "b\x00", "c\x00\x00"]))
    assert len(set(quick.tolist())) == 3


def both_kinds(ids: pa.Array | pa.ChunkedArray) -> list[list[Any]]:
    return [DIGESTER.quick(ids).tolist(), DIGESTER.exact(ids).tolist()]


@given(st.lists(TEXTS, max_size=30), st.data())
def test_texts_have_equal_digests_exactly_where_they_are_equal(
    texts: list[str], drawn: st.DataObject
) -> None:
    """Also in a slice, in chunks, as a dictionary, and as large strings."""
    start = drawn.draw(st.integers(0, len(texts)))
    ids = pa.array(texts, pa.string())
    whole = both_kinds(ids)
    assert [classes(digests) for digests in whole] == [classes(texts)] * 2
    assert both_kinds(ids.slice(start)) == [digests[start:] for digests in whole]
    assert both_kinds(pa.chunked_array([ids.slice(0, start), ids.slice(start)])) == whole
    assert both_kinds(ids.dictionary_encode().slice(start)) == [digests[start:] for digests in whole]
    assert both_kinds(ids.cast(pa.large_string())) == whole


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.int64(), [0, 1, -1, 2**63 - 1, -(2**63), 1]),
        (pa.float64(), [0.0, -0.0, 1.5, -1.5, 5e-324, 1.5]),
        (pa.bool_(), [True, False, True]),
        (pa.date32(), [dt.date(1, 1, 1), dt.date(2026, 11, 23), dt.date(1, 1, 1)]),
        (
            pa.timestamp("us", tz="UTC"),
            [dt.datetime(2026, 1, 1, 0, 0, 0, n, dt.timezone.utc) for n in (0, 1, 0)],
        ),
    ],
)
def test_typed_ids_have_equal_digests_exactly_where_they_are_equal(
    kind: pa.DataType, values: list[Any]
) -> None:
    assert [classes(digests) for digests in both_kinds(pa.array(values, kind))] == [classes(values)] * 2


def test_texts_that_differ_in_one_byte_or_in_length_differ_around_every_bound() -> None:
    """Bounds of words of eight bytes, of long ids, and of the rows worked on at once."""
    lengths = [0, 1, 7, 8, 9, 15, 16, 17, LONG_ID_BYTES - 1, LONG_ID_BYTES, LONG_ID_BYTES + 1, 100_000]
    texts = ["\x00" * length for length in lengths] + [
        "\x00" * (length - 1) + "\x01" for length in lengths[1:]
    ]
    assert [len(set(map(str, digests))) for digests in both_kinds(pa.array(texts))] == [len(texts)] * 2


def test_a_digest_does_not_depend_on_the_neighbours() -> None:
    """Neither on longer ones beside it, nor on where a column is cut into pieces."""
    ids = [f"C-{number}" for number in range(2 * ROWS_AT_ONCE + 5)]
    quick, exact = DIGESTER.quick(pa.array(ids)), DIGESTER.exact(pa.array(ids))
    assert len(np.unique(quick)) == len(np.unique(exact, axis=0)) == len(ids)
    among_long = pa.array(["x" * 700, ids[-1], "", "y" * 100])
    assert (DIGESTER.quick(among_long)[1], *DIGESTER.exact(among_long)[1]) == (quick[-1], *exact[-1])


def test_no_ids_have_no_digests() -> None:
    nothing = pa.chunked_array([], pa.string())
    assert (DIGESTER.quick(nothing).shape, DIGESTER.exact(nothing).shape) == ((0,), (0, 2))


def test_two_digesters_have_keys_of_their_own() -> None:
    ids = pa.array(["C-1"])
    assert IdDigester().exact(ids).tolist() != IdDigester().exact(ids).tolist()


@pytest.mark.functional
@pytest.mark.parametrize("in_memory", [4, 64, 1_000_000])
def test_repeated_digests_are_found_however_few_fit_in_memory(
    in_memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against a count of them all; one value is repeated more often than anything fits."""
    monkeypatch.setattr(repeated_digests, "IN_MEMORY_COUNT", in_memory)
    random = np.random.default_rng(3)
    digests = random.integers(0, 2**64, 400, dtype=np.uint64)
    digests = random.permutation(np.concatenate((digests, digests[:40], np.repeat(digests[7], 200))))
    with DigestSpill(tmp_path) as spill:
        for part in np.array_split(digests, 9):
            spill.append(dealt_out(part))
        found = spill.repeated(limit=1000)
    assert found.tolist() == sorted(value for value, count in Counter(digests.tolist()).items() if count > 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.functional
def test_a_search_ends_when_more_is_found_than_anybody_wants_to_know(tmp_path: Path) -> None:
    digests = np.random.default_rng(3).integers(0, 2**64, 10_000, dtype=np.uint64)
    with DigestSpill(tmp_path) as spill:
        spill.append(dealt_out(np.concatenate((digests, digests))))
        found = spill.repeated(limit=10)
    assert 10 < len(found) < len(digests)
    assert set(found.tolist()) <= set(digests.tolist())


@pytest.mark.functional
def test_a_search_that_fails_leaves_nothing_on_disk(tmp_path: Path) -> None:
    with pytest.raises(KeyError), DigestSpill(tmp_path) as spill:  # noqa: PT012 - the file must be there before
        spill.append(dealt_out(np.arange(5, dtype=np.uint64)))
        raise KeyError
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.integers(0, 6), max_size=20))
def test_records_are_grouped_by_id_in_their_order(ids: list[int]) -> None:
    found = find_repeated_ids(DIGESTER.exact(pa.array(ids, pa.int64())))
    counts = Counter(ids)
    shared = [position for position, value in enumerate(ids) if counts[value] > 1]
    assert sorted(found.members.tolist()) == shared
    triples = zip(found.members.tolist(), found.firsts.tolist(), found.sizes.tolist(), strict=True)
    assert all((ids.index(ids[one]), counts[ids[one]]) == (first, size) for one, first, size in triples)
    going = found.members[found.leaving("keepFirst")].tolist()
    assert sorted(going) == [position for position in shared if ids.index(ids[position]) != position]
    assert found.leaving("quarantineAll").all()


def test_a_message_quotes_no_more_than_the_start_of_an_id() -> None:
    message = duplicate_message("id", "x" * 10_000, 3, "a.csv line 12")
    assert message.startswith("id: 'xxx")
    assert message.endswith(" stands in 3 valid records; the first is a.csv line 12")
    assert len(message) < 200
    assert (
        duplicate_message("id", 17, 2, "b line 1")
        == "id: 17 stands in 2 valid records; the first is b line 1"
    )
