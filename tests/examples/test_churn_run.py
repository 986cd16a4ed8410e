"""The example's command makes what is not there yet and hands over to the product."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from examples.churn import data, run


def test_real_and_resampled_runs_do_not_share_files() -> None:
    """But they share the model."""
    real, many = run.files_below(Path("work"), None), run.files_below(Path("work"), 1000)
    assert real.customers != many.customers
    assert real.output != many.output
    assert real.artifact == many.artifact == Path("work/model/model.tar.gz")


def test_the_model_is_packaged_by_the_products_command() -> None:
    """With the interpreter that runs the example."""
    files = run.files_below(Path("work"), None)
    assert run.package_command(files) == [
        sys.executable,
        "-m",
        "runner.cli",
        "package",
        "--model",
        str(files.model),
        "--contract",
        str(data.CONTRACT_PATH),
        "--baseline",
        str(files.training),
        "--out",
        str(files.artifact),
    ]


def test_the_customers_are_scored_by_the_products_command() -> None:
    """Input and output are apart."""
    files = run.files_below(Path("work"), 1000)
    command = run.score_command(files)
    assert command[3:] == [
        "run",
        "--contract",
        str(data.CONTRACT_PATH),
        "--model",
        str(files.artifact),
        "--input",
        str(files.customers),
        "--output",
        str(files.output),
    ]
    assert files.customers.parent not in files.output.parents


@pytest.mark.functional
def test_what_was_made_is_made_once_for_the_same_sources(tmp_path: Path) -> None:
    """And again when the sources changed, or the file is gone."""
    path, made = tmp_path / "thing", []

    def make() -> None:
        made.append(len(made))
        path.write_text("made")

    for key in ("a", "a", "b", "b"):
        run.make_once(path, key, "the thing", make)
    assert len(made) == 2
    path.unlink()
    run.make_once(path, "b", "the thing", make)
    assert len(made) == 3


@pytest.mark.functional
def test_what_failed_half_way_is_made_again(tmp_path: Path) -> None:
    """The key is written last."""
    path = tmp_path / "thing"
    path.write_text("old")

    def fail() -> None:
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        run.make_once(path, "a", "the thing", fail)
    made = []
    run.make_once(path, "a", "the thing", lambda: made.append(1))
    assert made == [1]


@pytest.mark.parametrize("text", ["0", "-5", "many"])
def test_a_number_of_rows_that_is_none_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is made."""
    with pytest.raises(SystemExit) as caught:
        run.main(["--rows", text])
    assert caught.value.code == 2
    assert "--rows" in capsys.readouterr().err
