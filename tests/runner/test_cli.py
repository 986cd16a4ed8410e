"""The command line: help at once, one message for an error, the exit code by its kind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contracts.errors import CallerError
from runner.run_command import parse_parameters

pytestmark = pytest.mark.functional

ROOT = Path(__file__).resolve().parents[2]
STARTED = """
import runner.__main__ as program
begin = program.early_fork_server
program.early_fork_server = lambda arguments: print(flush=True) or begin(arguments)
program.main()
"""
"""The program, which says when it takes signals."""

COMMANDS = (
    "",
    "run",
    "resume",
    "package",
    "definition",
    "results",
    "quarantine",
    "upsert",
    "start",
    "promote",
    "deploy",
    "destroy",
    "image-push",
    "plan",
    "models list",
    "models approve",
    "models reject",
    "contract check",
)


def batchscore(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "runner", *arguments]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)


def imported_of(names: str, *, by: str) -> list[str]:
    """Return which of these modules are there when a fresh interpreter has imported some of ours."""
    code = f"import sys, {by}; print(*[name for name in {names.split()!r} if name in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return answer.stdout.split()


def test_help_imports_nothing_heavy() -> None:
    """The SDK takes seconds to import; help must answer at once."""
    assert imported_of("sagemaker boto3 pyarrow rich pandas", by="runner.cli") == []


def test_a_local_run_imports_neither_the_sdk_nor_what_only_containers_need() -> None:
    """Before the first step starts nothing else does: each of these takes a tenth of a second or more."""
    assert (
        imported_of("sagemaker boto3 numpy pyarrow pandas", by="runner.run_command, runner.local_run") == []
    )
    assert imported_of("rich", by="runner.run_command") == ["rich"]  # what is there is told


@pytest.mark.parametrize("seconds", [0.08, 0.15, 0.25])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_stopped_while_it_starts_says_nothing_and_ends_as_interrupted(
    number: signal.Signals, seconds: float
) -> None:
    """Also while its own modules are imported."""
    argv = [
        sys.executable,
        "-c",
        STARTED,
        "run",
        "--contract",
        "c",
        "--input",
        "i",
        "--output",
        "o",
        "--model",
    ]
    process = subprocess.Popen([*argv, "m"], cwd=ROOT, stdout=-1, stderr=-1, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(number)
    _, said = process.communicate()

    assert "Traceback" not in said
    assert process.returncode in {130, 2}  # 2 if it had looked for the files by then


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_after_a_command_has_told_its_end_changes_nothing(number: signal.Signals) -> None:
    """It meets the interpreter while that takes itself apart."""
    code = (
        "import atexit, os, runner.__main__; "
        f"atexit.register(lambda: (os.kill(os.getpid(), {int(number)}), list(map(str, range(1000))))); "
        "runner.__main__.main()"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code, "results", "--state", "nowhere"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr


def test_the_commands_alone_are_no_program() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "runner.cli"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert answer.returncode == 1
    assert "start `batchscore`" in answer.stderr


@pytest.mark.parametrize("command", [command for command in COMMANDS if command])
def test_every_command_shows_an_example(command: str) -> None:
    answer = batchscore(*command.split(), "--help")

    assert f"batchscore {command.split(maxsplit=1)[0]}" in answer.stdout.split("Example", 1)[1]


def test_the_golden_cli_reference_is_what_help_says(update_golden: bool) -> None:
    """docs/cli.md is generated; `make golden` writes it anew."""
    parts = ["# Command line reference\n\nGenerated from `--help` by `make golden`.\n"]
    for command in COMMANDS:
        answer = batchscore(*command.split(), "--help")
        title = f"batchscore {command}".strip()
        text = answer.stdout.replace("python -m runner", "batchscore")
        parts.append(f"## `{title}`\n\n```text\n{text.rstrip()}\n```\n")
    reference, path = "\n".join(parts), ROOT / "docs" / "cli.md"
    if update_golden:
        path.write_text(reference, encoding="utf-8")

    assert path.read_text(encoding="utf-8") == reference


def test_an_error_is_one_message_and_exit_code_2(tmp_path: Path) -> None:
    answer = batchscore("contract", "check", "nothing.yaml", folder=tmp_path)

    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == "error: nothing.yaml: cannot read the contract: No such file or directory\n"


def test_an_unknown_option_is_exit_code_2() -> None:
    assert batchscore("results", "--nonsense").returncode == 2


def test_results_without_a_run_say_what_to_do(tmp_path: Path) -> None:
    answer = batchscore("results", folder=tmp_path)

    assert answer.returncode == 2
    assert "no run yet; start one with `batchscore run`" in answer.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["definition", "--resume-at", "score"], "goes with --pipeline resume, not with 'candidate'"),
        (
            [
                "run",
                "--pipeline",
                "resume",
                "--contract",
                "c",
                "--model",
                "m",
                "--input",
                "i",
                "--output",
                "o",
            ],
            "a lost run is resumed with `batchscore resume RUN`",
        ),
        (["resume", "r1"], "no run yet; start one with `batchscore run`"),
    ],
)
def test_what_is_resumed_how_is_told_to_whoever_asks_for_it_otherwise(
    tmp_path: Path, words: list[str], message: str
) -> None:
    answer = batchscore(*words, folder=tmp_path)

    assert answer.returncode == 2
    assert message in answer.stderr


def test_parameters_are_name_and_value() -> None:
    assert parse_parameters(["A=1", "B=x=y", "C="]) == {"A": "1", "B": "x=y", "C": ""}


@pytest.mark.parametrize("texts", [["A"], ["=1"], ["A=1", "A=2"]])
def test_a_parameter_of_another_form_is_refused(texts: list[str]) -> None:
    with pytest.raises(CallerError, match=r"expected Name=Value|given twice"):
        parse_parameters(texts)


def test_a_place_that_cannot_be_written_is_the_machine_s_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    arn = "arn:aws:sagemaker:local-laptop:000000000000:model-package/churn/1"

    answer = batchscore("models", "approve", arn, "--state", str(tmp_path / "file" / "state"))

    assert answer.returncode == 3
    assert answer.stderr.startswith("error: ")
    assert "Traceback" not in answer.stderr


def test_a_reader_that_leaves_is_no_failure(tmp_path: Path) -> None:
    """As in `batchscore models list | head -0`."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    argv = [sys.executable, "-m", "runner", "models", "list", "--state", str(tmp_path)]

    with os.fdopen(write_end) as gone:
        done = subprocess.run(argv, cwd=ROOT, stdout=gone, stderr=subprocess.PIPE, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
