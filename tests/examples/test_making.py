"""What every example does is done once, by the product's own commands."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from contracts.errors import CallerError
from examples import making
from examples.builtin_xgboost import run as builtin
from examples.churn import data, run, train

EXAMPLES = Path(making.__file__).parent
BATCHSCORE = [sys.executable, "-m", "runner"]


def test_the_model_is_packaged_by_the_products_command() -> None:
    """With the interpreter that runs the example."""
    command = making.package_command(
        model=Path("m.ubj"),
        contract=Path("c.yaml"),
        artifact=Path("m.tar.gz"),
        baseline=Path("t.csv"),
        more=["--model-alone"],
    )
    given = ["--model", "m.ubj", "--contract", "c.yaml", "--baseline", "t.csv", "--model-alone"]
    assert command == [*BATCHSCORE, "package", *given, "--out", "m.tar.gz"]


def test_without_training_data_there_is_no_baseline() -> None:
    """Rather than an empty option."""
    command = making.package_command(model=Path("m"), contract=Path("c"), artifact=Path("a"), baseline=None)
    assert "--baseline" not in command


def test_records_are_scored_by_the_products_command() -> None:
    """What is special to an example comes last."""
    command = making.score_command(
        run,
        contract=Path("c.yaml"),
        artifact=Path("m.tar.gz"),
        records=Path("in"),
        output=Path("out"),
        more=["--wire", "csv"],
    )
    given = [
        "--contract",
        "c.yaml",
        "--model",
        "m.tar.gz",
        "-p",
        "ModelPackageGroupName=churn",
        "--input",
        "in",
        "--output",
        "out",
        "--wire",
        "csv",
    ]
    assert command == [*BATCHSCORE, "run", *given]


def test_an_example_registers_in_a_group_of_its_own() -> None:
    """Whose name SageMaker takes: without underlines."""
    assert making.group_options(builtin) == ["-p", "ModelPackageGroupName=builtin-xgboost"]


@pytest.mark.functional
@pytest.mark.parametrize("is_folder", [False, True])
def test_what_was_made_is_made_once_for_the_same_sources(tmp_path: Path, is_folder: bool) -> None:
    """And again when the sources changed, or the file is gone."""
    path, made = tmp_path / "thing", []

    def make() -> None:
        made.append(len(made))
        if is_folder:
            path.mkdir(exist_ok=True)
        else:
            path.write_text("made")

    for key in ("a", "a", "b", "b"):
        making.make_once(path, key, "the thing", make)
    assert len(made) == 2
    path.rename(tmp_path / "gone")
    making.make_once(path, "b", "the thing", make)
    assert len(made) == 3


@pytest.mark.functional
def test_what_failed_half_way_is_made_again(tmp_path: Path) -> None:
    """The key is written last."""
    path = tmp_path / "thing"
    path.write_text("old")

    def fail() -> None:
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        making.make_once(path, "a", "the thing", fail)
    made = []
    making.make_once(path, "a", "the thing", lambda: made.append(1))
    assert made == [1]


def test_the_key_changes_with_code_files_and_packages(tmp_path: Path) -> None:
    """And with nothing else."""
    file = tmp_path / "contract.yaml"
    file.write_text("one")
    keys = [
        making.source_key((data, file), (np,)),
        making.source_key((data, train, file), (np,)),
        making.source_key((data, file), (np, pa)),
    ]
    assert making.source_key((data, file), (np,)) == keys[0]
    file.write_text("two")
    assert len({*keys, making.source_key((data, file), (np,))}) == 4


def test_a_users_mistake_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """As the product's own commands do; without a traceback."""

    def main(_: Sequence[str]) -> int:
        raise CallerError("contract.yaml: the contract is wrong")

    with pytest.raises(SystemExit) as caught:
        making.run(main)
    assert caught.value.code == CallerError.exit_code
    assert capsys.readouterr().err == "error: contract.yaml: the contract is wrong\n"


@pytest.mark.parametrize("folder", [path.parent for path in sorted(EXAMPLES.glob("*/run.py"))])
def test_a_copied_example_reads_its_own_files(folder: Path) -> None:
    """No module of an example calls another of it by the example's name, which a copy does not have."""
    named = f"examples.{folder.name}"
    for path in folder.glob("*.py"):
        imports = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        assert [node.module for node in imports if (node.module or "").startswith(named)] == [], path.name


@pytest.mark.parametrize("text", ["0", "-5", "many"])
def test_a_number_of_rows_that_is_none_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is made."""
    with pytest.raises(SystemExit) as caught:
        run.main(["--rows", text])
    assert caught.value.code == 2
    assert f"--rows: {text!r} is not a positive whole number" in capsys.readouterr().err
