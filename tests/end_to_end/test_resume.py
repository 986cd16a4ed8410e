"""A run that was lost is resumed, and ends with the same content as one that nothing happened to."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from mortal_run import VARIABLES, mortal_image
from small_machine import containers_below
from tiny_customers import TinyBusiness, published

from contracts.errors import BatchScoreError, CallerError
from contracts.ledger import RunLedger
from contracts.plan import MANIFEST_FILE, Shard, read_manifest
from emulator.events import Event, StepStarted
from runner.local_run import RunOptions, new_run_id, run_locally
from runner.results import RunResults, results_of
from runner.resume import claimed, resume_locally

pytestmark = pytest.mark.end_to_end

ROOT = Path(__file__).resolve().parents[2]
PARAMETERS = {"MaxQuarantineFraction": "0.25", "RunDate": "auto", "MaxConcurrentTransforms": "1"}
ANSWERED = 1
"""Of three shards, so that a run can be killed twice before all are scored."""


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled definitions, which all runs of this file share: compiling one takes seconds."""
    return tmp_path_factory.mktemp("definitions")


@pytest.fixture
def business(tmp_path: Path, definitions: Path) -> TinyBusiness:
    return new_business(tmp_path / "lost", definitions)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, definitions: Path) -> RunResults:
    """What came of a run that nothing happened to."""
    business = new_business(tmp_path_factory.mktemp("undisturbed") / "whole", definitions)
    return business.run(RunOptions(parameters=PARAMETERS))


def new_business(folder: Path, definitions: Path) -> TinyBusiness:
    business = TinyBusiness(folder)
    business.state.root.mkdir()
    (business.state.root / "definitions").symlink_to(definitions)
    return business


@pytest.fixture
def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the mortal server stand for the model container, immortal at first; return its list of payloads."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SENT", str(tmp_path / "sent"))
    monkeypatch.setenv("HUNG", str(tmp_path / "hung"))
    monkeypatch.setattr("runner.container_code.local_image", mortal_image)
    return tmp_path / "sent"


def lose(business: TinyBusiness, on_event: Callable[[Event], None] = lambda _: None, **options: Any) -> str:
    """Start a run that fails; return its id."""
    run_id = new_run_id()
    chosen = RunOptions(**{"parameters": PARAMETERS, **options})
    with pytest.raises(BatchScoreError):
        run_locally(business.places, chosen, business.state, run_id, on_event)
    assert not (business.output / "scores").exists()
    return run_id


def resume(business: TinyBusiness, run_id: str) -> RunResults:
    with claimed(run_id, business.state) as resumption:
        record = resume_locally(resumption, business.state, None, lambda _: None)
    return results_of(record, business.state)


def refusal(business: TinyBusiness, run_id: str) -> str:
    """Return why a run cannot be resumed, having checked that nobody is told that it can."""
    with pytest.raises(CallerError) as caught, claimed(run_id, business.state):
        pass
    assert results_of(business.state.run(run_id), business.state).resume_command is None
    return str(caught.value)


def killing(business: TinyBusiness, step_name: str) -> Callable[[Event], None]:
    """Return what kills the containers of one step, with SIGKILL, as soon as there are any."""

    def kill() -> None:
        while not (found := containers_below(business.state.root)):
            time.sleep(0.005)
        for number in found:
            os.kill(number, signal.SIGKILL)

    def on_event(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step_name == step_name:
            threading.Thread(target=kill, daemon=True).start()

    return on_event


def run_folder(business: TinyBusiness, run_id: str) -> Path:
    return business.output / "runs" / run_id


def outputs(business: TinyBusiness, run_id: str) -> dict[str, int]:
    """Return when each output was written, in nanoseconds, by the name of the output."""
    folder = run_folder(business, run_id) / "transform"
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.out")}


def shards_of(business: TinyBusiness, run_id: str) -> tuple[Shard, ...]:
    return read_manifest(run_folder(business, run_id) / "plan" / MANIFEST_FILE).shards


def check_same(resumed: RunResults, whole: RunResults) -> None:
    """Compare everything but the run's id and the times; shards are the same only on the same wire."""

    def scores(results: RunResults) -> pa.Table:
        return published(results).drop_columns(["run_id"])

    def told(ledger: RunLedger) -> dict[str, Any]:
        own = {"run_id", "finished_at", "uris", "timings", "parameters", "report"}
        own_facts = {
            "cost",
            "last_run",
            "last_runs",
            "drift",
            "actions",
            "verdict",
            "tables",
        }  # other run before it
        facts = {name: value for name, value in ledger.report.items() if name not in own_facts}
        return facts | {name: value for name, value in vars(ledger).items() if name not in own}

    assert resumed.record.status == "Succeeded"
    assert scores(resumed).equals(scores(whole))
    assert resumed.facts is not None
    assert whole.facts is not None
    if resumed.facts.wire_format == whole.facts.wire_format:
        assert told(resumed.facts) == told(whole.facts)
    assert resumed.facts.parameters == {name: str(value) for name, value in resumed.record.parameters.items()}
    assert resumed.counts == {"read": 14, "valid": 11, "quarantined": 3, "scored": 11, "unscorable": 0}


@pytest.mark.parametrize("wire", ["parquet", "csv"])
def test_after_the_model_server_was_killed_only_missing_shards_are_scored(
    business: TinyBusiness,
    sent: Path,
    undisturbed: RunResults,
    monkeypatch: pytest.MonkeyPatch,
    wire: str,
) -> None:
    """Outputs that were there stay untouched; scores and ledger are those of a run that was never lost."""
    monkeypatch.setenv("ANSWERS", str(ANSWERED))
    monkeypatch.setenv("AFTERWARDS", "dies")
    run_id = lose(business, wire=wire)
    before, shards = outputs(business, run_id), shards_of(business, run_id)
    (run_folder(business, run_id) / "transform" / ".left.out.1234.partial").write_bytes(b"half")
    monkeypatch.delenv("ANSWERS")
    assert len(sent.read_text().splitlines()) == len(before) == ANSWERED
    sent.unlink()
    command = results_of(business.state.run(run_id), business.state).resume_command
    assert command == f"batchscore resume {run_id} --state {business.state.root}"

    resumed = resume(business, run_id)

    after = outputs(business, run_id)
    assert {name: after[name] for name in before} == before
    payloads = sent.read_text().splitlines()
    assert len(payloads) == len(shards) - ANSWERED
    if wire == "parquet":  # a payload is a whole shard
        assert sorted(payloads) == sorted(shard.sha256 for shard in shards if shard.output_name not in before)
    check_same(resumed, undisturbed)
    assert (resumed.record.attempt, resumed.resume_command) == (2, None)
    assert list(resumed.record.steps) == [
        "PrepareInput",
        "CheckErrorBudget",
        "RegisterModel",
        "CreateModel",
        "ScoreShards",
        "ReportRun",
        "CheckQuality",
    ]
    folder = business.state.run_folder(run_id)
    assert (folder / "steps" / "ScoreShards" / "algo-1.log").exists()
    assert (folder / "attempt-2" / "steps" / "ScoreShards" / "algo-1.log").exists()
    assert refusal(business, run_id).startswith(f"run {run_id} has succeeded")


def test_after_the_machine_went_down_the_command_finishes_the_run(
    business: TinyBusiness, sent: Path, undisturbed: RunResults
) -> None:
    """SIGKILL to all processes of `batchscore run`, and of its resumption: the next goes on from there."""
    command = [sys.executable, str(ROOT / "tests" / "support" / "mortal_run.py")]
    places = business.places
    argv = ["run", "--contract", str(places.contract), "--model", str(places.model)]
    argv += ["--input", places.source, "--output", places.output, "--state", str(business.state.root)]
    argv += [word for name, value in PARAMETERS.items() for word in ("-p", f"{name}={value}")]
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
    mortal = {**os.environ, "PYTHONPATH": path, "ANSWERS": str(ANSWERED), "AFTERWARDS": "hangs"}
    kill_when_hung([*command, *argv], mortal, business)
    run_id = business.state.run(None).run_id
    before = outputs(business, run_id)
    kill_when_hung([*command, *resume_argv(business, run_id)], mortal, business)
    again = outputs(business, run_id)

    done = subprocess.run(
        [*command, *resume_argv(business, run_id)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert f"Run {run_id} Succeeded" in done.stdout
    count = len(shards_of(business, run_id))
    assert f"run {run_id}: {count - 2 * ANSWERED} of {count} shards are left to score" in done.stderr
    assert (len(before), len(again)) == (ANSWERED, 2 * ANSWERED)
    assert len(sent.read_text().splitlines()) == count
    resumed = business.newest()
    check_same(resumed, undisturbed)
    assert resumed.record.attempt == 3


def resume_argv(business: TinyBusiness, run_id: str) -> list[str]:
    return ["resume", run_id, "--state", str(business.state.root)]


def kill_when_hung(argv: list[str], environment: dict[str, str], business: TinyBusiness) -> None:
    """Start a command and kill all of its processes once its model server answers no more."""
    hung = Path(environment["HUNG"])
    hung.unlink(missing_ok=True)
    process = subprocess.Popen(
        argv,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not hung.exists():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    still_executing = refusal(business, business.state.run(None).run_id)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert f"is still executing (process {process.pid})" in still_executing
    assert business.state.run(None).status == "Stopped"
    while containers_below(business.state.root):
        time.sleep(0.01)


def test_a_run_that_lost_its_report_is_only_reported(
    business: TinyBusiness, sent: Path, undisturbed: RunResults
) -> None:
    """Nothing is scored again, and no transform job without objects is asked for."""
    run_id = lose(business, killing(business, "ReportRun"))
    before = outputs(business, run_id)
    sent.unlink()

    resumed = resume(business, run_id)

    assert not sent.exists()
    assert outputs(business, run_id) == before
    check_same(resumed, undisturbed)
    attempt = business.state.run_folder(run_id) / "attempt-2"
    steps = json.loads((attempt / "definition.json").read_text())["Steps"]
    assert [step["Name"] for step in steps] == ["ReportRun", "CheckQuality"]


def test_a_run_that_was_overtaken_leaves_the_pointer_where_it_is(business: TinyBusiness) -> None:
    """The pointer names the newest run, which is not the one that is finished last."""
    run_id = lose(business, killing(business, "ReportRun"))
    newer = business.run(RunOptions(parameters={"MaxQuarantineFraction": "0.5"}))

    resumed = resume(business, run_id)

    assert resumed.record.status == "Succeeded"
    assert resumed.scores is not None
    pointer = json.loads((business.output / "pointer" / "latest.json").read_text())
    assert pointer["run_id"] == newer.record.run_id


def test_a_run_that_was_lost_before_its_model_was_registered_registers_it(
    business: TinyBusiness, undisturbed: RunResults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its definition has the step for that; the package is the first of its group, as it would have been."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "registry.sqlite")

    with monkeypatch.context() as patched:
        patched.setattr("emulator.registry.ModelRegistry.register", fail)
        run_id = lose(business)

    check_same(resume(business, run_id), undisturbed)
    assert [package.version for package in business.state.registry.packages()] == [1]


def test_a_run_that_was_lost_while_preparing_is_refused(business: TinyBusiness) -> None:
    run_id = lose(business, killing(business, "PrepareInput"))

    message = refusal(business, run_id)

    assert "was lost before its input was prepared and checked" in message
    assert message.endswith("start a new run with `batchscore run`")


def test_a_run_that_its_error_budget_ended_is_refused(business: TinyBusiness) -> None:
    run_id = lose(business, parameters={"MaxQuarantineFraction": "0.1"})

    message = refusal(business, run_id)

    assert "was ended by its error budget" in message
    assert "3 of 14 records are quarantined" in message


def test_a_lost_production_run_is_resumed_with_its_package(
    business: TinyBusiness, undisturbed: RunResults, sent: Path
) -> None:
    """It registers nothing, then or now, and its ledger names the package."""
    business.run(RunOptions(parameters=PARAMETERS))
    arn = business.state.registry.set_approval_status("batchscore/1", "Approved").arn
    shutil.rmtree(business.output / "scores")
    run_id = lose(business, killing(business, "ScoreShards"), pipeline="production", model_package_arn=arn)
    results = resume(business, run_id)
    assert results.record.status == "Succeeded"
    assert results.facts is not None
    assert results.facts.model_package_arn == arn
    assert published(results).column("score").equals(published(undisturbed).column("score"))
    assert len(business.state.registry.packages()) == 1
    assert sent
