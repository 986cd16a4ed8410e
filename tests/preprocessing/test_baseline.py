"""The baseline counts what the training data holds, so that a reader can check every number."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from preparation import CONTRACT

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


def test_categories_and_numbers_are_counted(tmp_path: Path) -> None:
    rows = [f"{n},{n},{'a' if n < 7 else 'b'},1" for n in range(10)] + ["10,,,0", "11,bad,a,0"]
    code, path = described(tmp_path, "id,x,kind,label\n" + "\n".join(rows) + "\n")

    baseline = json.loads(path.read_text())
    assert (code, baseline["record_count"]) == (0, 11)
    assert baseline["features"]["kind"] == {"missing_count": 1, "values": ["a", "b"], "counts": [7, 3]}
    assert baseline["features"]["x"]["missing_count"] == 1
    assert baseline["features"]["x"]["counts"] == [1] * 10
    assert baseline["features"]["x"]["edges"] == pytest.approx([0.9 * n for n in range(1, 10)])


def test_a_category_that_the_contract_takes_for_missing_is_counted_as_missing(tmp_path: Path) -> None:
    contract = CONTRACT.replace("label: label", "label: label, unseenCategory: missing")
    csv = "id,x,kind,label\n1,1,a,0\n2,1,new,0\n3,1,,0\n"
    _, path = described(tmp_path, csv, contract)

    kind = json.loads(path.read_text())["features"]["kind"]
    assert kind == {"missing_count": 2, "values": ["a", "b"], "counts": [1, 0]}


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
    kind = json.loads(path.read_text())["features"]["kind"]
    assert kind == {"missing_count": 0, "values": ["a", "é"], "counts": [1, 2]}
