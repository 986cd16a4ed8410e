"""Steps run when what they wait for is done, side by side, and a failure ends the run cleanly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from small_machine import containers_below, execute, machine_below, new_record

from contracts.errors import BatchScoreError, PlatformError, RunFailedError
from emulator.definition import read_definition
from emulator.events import Event, StepEnded
from emulator.execution import Execution
from emulator.object_store import ObjectStore
from emulator.run_record import StepRecord, read_record

pytestmark = pytest.mark.functional

WRITES = """
import os, pathlib, sys, time
folder = pathlib.Path(os.environ["BATCHSCORE_ML_ROOT"]) / "processing/output/out"
time.sleep(float(sys.argv[2]))
(folder / "numbers.json").write_text(sys.argv[1])
"""


def writing_step(tmp_path: Path, name: str, text: Any, seconds: str = "0", **more: Any) -> dict[str, Any]:
    script = tmp_path / "writes.py"
    script.write_text(WRITES)
    return {
        "Name": name,
        "Type": "Processing",
        "Arguments": {
            "AppSpecification": {
                "ImageUri": "any",
                "ContainerEntrypoint": ["python3", str(script)],
                "ContainerArguments": [text, seconds],
            },
            "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1}},
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": "out",
                        "S3Output": {
                            "S3Uri": {
                                "Std:Join": {
                                    "On": "/",
                                    "Values": ["s3://b", {"Get": "Execution.PipelineExecutionId"}, name],
                                }
                            },
                            "LocalPath": "/opt/ml/processing/output/out",
                        },
                    }
                ]
            },
        },
        "PropertyFiles": [{"PropertyFileName": "Numbers", "OutputName": "out", "FilePath": "numbers.json"}],
        **more,
    }


def json_get(step: str, path: str) -> dict[str, Any]:
    return {"Std:JsonGet": {"PropertyFile": {"Get": f"Steps.{step}.PropertyFiles.Numbers"}, "Path": path}}


def gate(*, limit: int) -> dict[str, Any]:
    condition = {"Type": "LessThanOrEqualTo", "LeftValue": json_get("Count", "bad"), "RightValue": limit}
    message = {"Std:Join": {"On": "", "Values": [json_get("Count", "bad"), " are too many"]}}
    return {
        "Name": "Gate",
        "Type": "Condition",
        "DependsOn": ["Count"],
        "Arguments": {
            "Conditions": [condition],
            "IfSteps": [],
            "ElseSteps": [{"Name": "TooMany", "Type": "Fail", "Arguments": {"ErrorMessage": message}}],
        },
    }


def test_a_condition_that_holds_lets_the_run_succeed(tmp_path: Path) -> None:
    events: list[Event] = []
    steps = [writing_step(tmp_path, "Count", '{"bad": 3}'), gate(limit=3)]

    record, machine = execute({"Steps": steps}, tmp_path, events)

    assert (record.status, [step.status for step in record.steps.values()]) == (
        "Succeeded",
        ["Succeeded"] * 2,
    )
    assert [event.step_name for event in events if isinstance(event, StepEnded)] == ["Count", "Gate"]
    assert read_record(machine.run_folder) == record


def test_a_condition_that_does_not_hold_takes_the_other_branch(tmp_path: Path) -> None:
    steps = [writing_step(tmp_path, "Count", '{"bad": 4}'), gate(limit=3)]

    with pytest.raises(RunFailedError, match=r"^TooMany: 4 are too many$"):
        execute({"Steps": steps}, tmp_path)

    record = read_record(tmp_path / "run")
    assert (record.status, record.failure_reason) == ("Failed", "TooMany: 4 are too many")
    assert {name: step.status for name, step in record.steps.items()} == {
        "Count": "Succeeded",
        "Gate": "Succeeded",
        "TooMany": "Failed",
    }


def test_independent_steps_run_side_by_side(tmp_path: Path) -> None:
    steps = [writing_step(tmp_path, "A", "{}", "0.5"), writing_step(tmp_path, "B", "{}", "0.5")]

    record, _ = execute({"Steps": steps}, tmp_path)

    first, second = record.steps["A"], record.steps["B"]
    assert max(first.started_at, second.started_at) < min(first.finished_at, second.finished_at)


def test_after_a_failure_nothing_new_starts(tmp_path: Path) -> None:
    broken = writing_step(tmp_path, "Broken", "{}", "not a number")
    steps = [broken, writing_step(tmp_path, "After", "{}", DependsOn=["Broken"])]

    with pytest.raises(BatchScoreError, match="exit code 1"):
        execute({"Steps": steps}, tmp_path)

    assert list(read_record(tmp_path / "run").steps) == ["Broken"]


def test_an_interrupt_stops_every_process_and_is_recorded(tmp_path: Path) -> None:
    """Ctrl-C leaves no child behind, and a record that says what happened."""
    threading.Thread(target=_interrupt_when_it_runs, args=(tmp_path,)).start()

    with pytest.raises(KeyboardInterrupt):
        execute({"Steps": [writing_step(tmp_path, "Slow", "{}", "600")]}, tmp_path)

    record = read_record(tmp_path / "run")
    assert (record.status, record.failure_reason) == ("Stopped", "interrupted")
    assert record.steps["Slow"].status == "Stopped"
    assert containers_below(tmp_path) == []


def _interrupt_when_it_runs(tmp_path: Path) -> None:
    while not containers_below(tmp_path):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)


def test_an_upload_that_fails_half_way_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outputs appear whole or not at all."""
    real_move, moved = ObjectStore.move_in, []

    def move_one_then_fill_the_disk(store: ObjectStore, source: Path, uri: str) -> None:
        moved.append(source)
        if len(moved) == 2:
            raise OSError(28, "No space left on device")
        real_move(store, source, uri)

    monkeypatch.setattr(ObjectStore, "move_in", move_one_then_fill_the_disk)
    code = WRITES + '(folder / "_SUCCESS").write_text("all here")\n'
    step = writing_step(tmp_path, "Two", "{}")
    (tmp_path / "writes.py").write_text(code)

    with pytest.raises(PlatformError, match="No space left"):
        execute({"Steps": [step]}, tmp_path)

    assert moved[0].name == "numbers.json"
    assert not [path for path in (tmp_path / "objects").rglob("*") if path.is_file()]


def test_processes_end_when_their_runner_is_killed(tmp_path: Path) -> None:
    """Nobody is left to stop them but the watchdog."""
    script = tmp_path / "runner.py"
    script.write_text(
        "import sys; sys.path[:0] = sys.argv[1:3]\n"
        "from pathlib import Path\n"
        "from small_machine import execute\n"
        "import json\n"
        "execute(json.loads(sys.argv[4]), Path(sys.argv[3]))\n"
    )
    document = json.dumps({"Steps": [writing_step(tmp_path, "Slow", "{}", "600")]})
    (tmp_path / "writes.py").write_text("print('begun', flush=True)\n" + WRITES)
    here = Path(__file__).resolve()
    folders = [str(here.parents[2]), str(here.parents[1] / "support")]
    runner = subprocess.Popen([sys.executable, str(script), *folders, str(tmp_path), document])
    log = tmp_path / "run" / "steps" / "Slow" / "algo-1.log"
    while not log.exists() or b"begun" not in log.read_bytes():
        time.sleep(0.01)

    runner.kill()
    runner.wait()

    deadline = time.monotonic() + 30
    while containers_below(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert containers_below(tmp_path) == []


def test_a_full_disk_is_an_error_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device", "numbers.json")

    monkeypatch.setattr(ObjectStore, "move_in", no_space)

    with pytest.raises(
        PlatformError, match=r"step A: No space left on device \(numbers.json\); check the free"
    ):
        execute({"Steps": [writing_step(tmp_path, "A", "{}")]}, tmp_path)

    assert read_record(tmp_path / "run").status == "Failed"


def test_a_package_is_registered_and_a_model_made_from_it(tmp_path: Path) -> None:
    container = {"Image": "i", "ModelDataUrl": "s3://b/m.tar.gz"}
    register = {
        "Name": "Register",
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": {"Get": "Parameters.Group"},
            "InferenceSpecification": {"Containers": [container]},
        },
    }
    create = {
        "Name": "Create",
        "Type": "Model",
        "Arguments": {"PrimaryContainer": {"ModelPackageName": {"Get": "Steps.Register.ModelPackageArn"}}},
    }
    document = {"Parameters": [{"Name": "Group", "Type": "String"}], "Steps": [create, register]}

    _, machine = execute(document, tmp_path, Group="churn")

    assert [(entry.group_name, entry.version) for entry in machine.registry.packages()] == [("churn", 1)]
    assert (
        machine.registry.model_container("20261123t040000-abcd-create")["ModelDataUrl"] == "s3://b/m.tar.gz"
    )


def test_another_attempt_keeps_what_the_record_has_and_names_its_own_things_apart(tmp_path: Path) -> None:
    """A model's name is taken for good, and logs of the first attempt are what tells why it failed."""
    create = {"Name": "Create", "Type": "Model", "Arguments": {"PrimaryContainer": {"Image": "i"}}}
    definition = read_definition(json.dumps({"Steps": [create]}))
    before = StepRecord(type="Processing", status="Succeeded", started_at="2026-11-23T04:00:00.000Z")
    machine = machine_below(tmp_path)
    first = new_record(steps={"Prepare": before})
    again = new_record(steps={"Prepare": before}, resumed_at=("2026-11-23T05:00:00.000Z",))

    for record in (first, again):
        done = Execution(definition, {}, record, machine, lambda _: None).run()

    assert (list(done.steps), done.steps["Prepare"], done.attempt) == (["Prepare", "Create"], before, 2)
    assert read_record(machine.run_folder) == done
    for name in ("20261123t040000-abcd-create", "20261123t040000-abcd-2-create"):
        assert machine.registry.model_container(name) == {"Image": "i"}
