"""The baseline counts what the training data holds, so that a reader can check every number."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from preparation import CONTRACT

from contracts.data_profile import FeatureProfile, parse_profile
from preprocessing.__main__ import main

pytestmark = pytest.mark.functional


def described(root: Path, csv: str, contract: str = CONTRACT) -> tuple[int, Path]:
    inputs = root / "processing" / "input"
    for name, text in (("contract/c.yaml", contract), ("source/train.csv", csv)):
        path = inputs / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    code = main(["baseline"], {"BATCHSCORE_ML_ROOT": str(root)})
    return code, root / "processing" / "output" / "plan" / "baseline.json"


def _numbers(feature: FeatureProfile) -> tuple[list[float], list[int]]:
    assert feature.histogram is not None
    return feature.histogram.lower_bounds().tolist(), feature.histogram.counts.tolist()


def test_categories_and_numbers_are_counted(tmp_path: Path) -> None:
    rows = [f"{n},{n},{'a' if n < 7 else 'b'},1" for n in range(10)] + ["10,,,0", "11,bad,a,0"]
    code, path = described(tmp_path, "id,x,kind,label\n" + "\n".join(rows) + "\n")

    baseline = parse_profile(path.read_bytes(), name="baseline.json")
    assert (code, baseline.record_count, baseline.score) == (0, 11, None)
    assert baseline.features["kind"].missing_count == 1
    assert baseline.features["kind"].values == {"a": 7, "b": 3}
    assert _numbers(baseline.features["x"]) == ([float(number) for number in range(10)], [1] * 10)
    assert baseline.features["x"].missing_count == 1


def test_a_category_that_the_model_has_not_seen_is_counted_by_its_value(tmp_path: Path) -> None:
    contract = CONTRACT.replace("label: label", "label: label, unseenCategory: missing")
    csv = "id,x,kind,label\n1,1,a,0\n2,1,new,0\n3,1,,0\n"
    _, path = described(tmp_path, csv, contract)

    kind = parse_profile(path.read_bytes(), name="baseline.json").features["kind"]
    assert (kind.missing_count, kind.values) == (1, {"a": 1, "new": 1})


def test_typed_sources_are_described_like_text(tmp_path: Path) -> None:
    """One record as JSON, one as Parquet, whose columns have types of their own."""
    source = tmp_path / "processing" / "input" / "source"
    source.mkdir(parents=True)
    (source / "a.jsonl").write_text('{"id": 1, "x": 5, "kind": "a", "label": 1.0}\n{"id": 2, "x": "5"}\n')
    table = pa.table({"id": [3], "x": pa.array([5], pa.int16()), "kind": pa.array(["b"]).dictionary_encode()})
    pq.write_table(table, source / "b.parquet")
    contract = tmp_path / "processing" / "input" / "contract" / "c.yaml"
    contract.parent.mkdir()
    contract.write_text(CONTRACT)
    assert main(["baseline"], {"BATCHSCORE_ML_ROOT": str(tmp_path)}) == 0

    path = tmp_path / "processing" / "output" / "plan" / "baseline.json"
    baseline = parse_profile(path.read_bytes(), name="baseline.json")
    assert baseline.record_count == 2
    assert baseline.features["kind"].values == {"a": 1, "b": 1}
    assert _numbers(baseline.features["x"]) == ([5.0], [2])


def test_data_without_a_valid_record_is_refused(tmp_path: Path) -> None:
    code, path = described(tmp_path, "id,x,kind,label\n1,bad,a,0\n")

    assert code == 2
    assert not path.exists()
    assert "nothing to describe" in (tmp_path / "output" / "message").read_text()


def test_training_data_is_read_in_the_dialect_that_the_contract_declares(tmp_path: Path) -> None:
    """Each file in its own delimiter, and all in one encoding."""
    contract = CONTRACT.replace("categories: [a, b]", "categories: [a, é]")
    contract += "dialect: {header: false, encoding: cp1252}\n"
    inputs = tmp_path / "processing" / "input"
    files = {"contract/c.yaml": contract.encode(), "source/a.csv": "1,1,é,0\n2,1,é,0\n".encode("cp1252")}
    files["source/b.csv"] = b"3|2|a|1\n"
    for name, content in files.items():
        (inputs / name).parent.mkdir(parents=True, exist_ok=True)
        (inputs / name).write_bytes(content)
    assert main(["baseline"], {"BATCHSCORE_ML_ROOT": str(tmp_path)}) == 0
    path = tmp_path / "processing" / "output" / "plan" / "baseline.json"
    kind = parse_profile(path.read_bytes(), name="baseline.json").features["kind"]
    assert kind.values == {"a": 1, "é": 2}
