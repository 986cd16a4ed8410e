"""What PrepareInput kept is read as it was written, and whatever else lies in its place is named."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.arrow_files import arrow_bytes
from contracts.errors import PlatformError
from reporting.kept_files import decoded, kept_schema, read_kept

KEPT = pa.table({"id": ["a", "b"], "plan": pa.array(["basic", None]).dictionary_encode(), "n": [1, 2]})


def _written(folder: Path, table: pa.Table) -> Path:
    path = folder / "shard-00-00000.arrow"
    path.write_bytes(arrow_bytes(table))
    return path


def test_columns_come_in_the_order_asked(tmp_path: Path) -> None:
    path = _written(tmp_path, KEPT)
    assert read_kept(path, ["n", "id"]).to_pydict() == {"n": [1, 2], "id": ["a", "b"]}
    assert kept_schema(path).names == ["id", "plan", "n"]


def test_positions_in_a_dictionary_become_its_values(tmp_path: Path) -> None:
    """Of any number of records, and of none."""
    plans = decoded(read_kept(_written(tmp_path, KEPT), ["plan"])).column("plan")
    assert (plans.type, plans.to_pylist()) == (pa.string(), ["basic", None])
    many = pa.DictionaryArray.from_arrays(np.arange(200_000, dtype=np.int32) % 3, ["x", "y", None])
    for count in (0, 1, 65_536, 200_000):
        table = pa.table({"plan": many.slice(0, count)})
        assert decoded(table).column("plan").equals(table.column("plan").cast(pa.string()))


@pytest.mark.parametrize("names", [["id", "gone"], ["twice"]])
def test_a_column_that_is_not_there_once_is_named(tmp_path: Path, names: list[str]) -> None:
    table = pa.Table.from_arrays([*KEPT.columns, *KEPT.columns[:2]], ["id", "plan", "n", "twice", "twice"])
    with pytest.raises(PlatformError, match=rf"00000\.arrow: lacks the columns \['{names[-1]}'\]"):
        read_kept(_written(tmp_path, table), names)


@given(at=st.integers(0, 2000), damage=st.binary(min_size=1, max_size=16))
def test_a_damaged_file_is_named_or_reads_as_a_table(
    tmp_path_factory: pytest.TempPathFactory, at: int, damage: bytes
) -> None:
    """Nothing else is raised, and nothing is read outside of it."""
    content = arrow_bytes(KEPT)
    at %= len(content)
    path = tmp_path_factory.mktemp("kept") / "shard-00-00000.arrow"
    path.write_bytes(content[:at] + damage + content[at + len(damage) :])
    with contextlib.suppress(PlatformError):
        decoded(read_kept(path, ["id", "plan", "n"])).to_pylist()
