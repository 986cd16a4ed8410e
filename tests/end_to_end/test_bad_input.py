"""What an operator gets when something is wrong: a clear error, an exit code, and nothing half published."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_machine import containers_below
from tiny_customers import CUSTOMERS, TinyBusiness, quarantined

from contracts.errors import BatchScoreError, CallerError, RunFailedError
from runner.local_run import RunOptions

pytestmark = pytest.mark.end_to_end

ROOT = Path(__file__).resolve().parents[2]


def refused(business: TinyBusiness, options: RunOptions) -> BatchScoreError:
    """Return the error of a run that must fail, having checked that nothing was published."""
    with pytest.raises(BatchScoreError) as caught:
        business.run(options)
    assert not (business.output / "scores").exists()
    assert not (business.output / "pointer").exists()
    return caught.value


def test_too_many_bad_records_end_the_run_and_leave_the_quarantine(tmp_path: Path) -> None:
    business = TinyBusiness(tmp_path)

    error = refused(business, RunOptions(parameters={"MaxQuarantineFraction": "0.2"}))

    assert isinstance(error, RunFailedError)
    assert "FailErrorBudget" in str(error)
    results = business.newest()
    assert (results.record.status, len(quarantined(results))) == ("Failed", 3)
    assert results.counts == {"read": 14, "valid": 11, "quarantined": 3, "scored": 0, "unscorable": 0}
    assert list(results.record.steps) == ["PrepareInput", "CheckErrorBudget", "FailErrorBudget"]


def test_a_header_without_a_feature_names_what_comes_near(tmp_path: Path) -> None:
    business = TinyBusiness(tmp_path, CUSTOMERS.replace("customer_id,age,", "customer_id,aged,"))

    error = refused(business, RunOptions())

    assert error.exit_code == CallerError.exit_code
    assert "customers.csv" in str(error)
    assert "'age'" in str(error)
    assert "'aged'" in str(error)


def test_an_unknown_parameter_is_refused_before_anything_starts(tmp_path: Path) -> None:
    business = TinyBusiness(tmp_path)

    error = refused(business, RunOptions(parameters={"MaxQuarantineFration": "0.5"}))

    assert "unknown parameter 'MaxQuarantineFration'; did you mean 'MaxQuarantineFraction'" in str(error)
    assert business.state.runs() == []


def test_a_port_in_use_is_refused_before_anything_starts(tmp_path: Path) -> None:
    business = TinyBusiness(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        error = refused(business, RunOptions(first_port=taken.getsockname()[1]))

    assert "is in use" in str(error)
    assert error.exit_code == CallerError.exit_code
    assert business.state.runs() == []


def test_an_empty_source_is_refused(tmp_path: Path) -> None:
    business = TinyBusiness(tmp_path, "customer_id,age,plan,active\n")

    error = refused(business, RunOptions())

    assert "FailErrorBudget" in str(error)


def start_run(business: TinyBusiness, *more: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "runner", "run", "--contract", str(business.contract)]
    argv += [
        "--model",
        str(business.model),
        "--input",
        str(business.source),
        "--output",
        str(business.output),
    ]
    argv += ["--state", str(business.state.root), "-p", "MaxQuarantineFraction=0.5", *more]
    return subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_step(business: TinyBusiness, name: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        runs = business.state.runs()
        if runs and name in runs[0].steps:
            return
        time.sleep(0.05)
    pytest.fail(f"step {name} did not begin")


def test_ctrl_c_stops_all_children_and_the_next_run_works(tmp_path: Path) -> None:
    business = TinyBusiness(tmp_path)
    process = start_run(business)
    wait_for_step(business, "PrepareInput")

    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "interrupted: everything that was started is stopped" in errors
    assert containers_below(business.state.root) == []
    assert business.newest().record.status == "Stopped"
    second = start_run(business)
    output, errors = second.communicate(timeout=120)
    assert second.returncode == 0, errors
    assert "Succeeded" in output


def test_a_model_server_that_is_killed_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    business = TinyBusiness(tmp_path)
    process = start_run(business)
    wait_for_step(business, "ScoreShards")
    deadline = time.monotonic() + 60
    while not containers_below(business.state.root) and time.monotonic() < deadline:
        time.sleep(0.02)
    for number in containers_below(business.state.root):
        os.kill(number, signal.SIGKILL)

    _, errors = process.communicate(timeout=120)

    assert process.returncode == 1
    assert "the model server was killed by SIGKILL (out of memory?); its last lines:" in errors
    assert not (business.output / "scores").exists()


def test_a_parameter_that_an_option_sets_is_refused(tmp_path: Path) -> None:
    """It would slip past the checks of that option."""
    error = refused(
        TinyBusiness(tmp_path), RunOptions(parameters={"ModelArtifactUri": "s3://b/other.tar.gz"})
    )

    assert "-p ModelArtifactUri: set by --input, --contract, --output, --model" in str(error)


def test_a_closed_terminal_stops_all_children(tmp_path: Path) -> None:
    business = TinyBusiness(tmp_path)
    process = start_run(business)
    wait_for_step(business, "ScoreShards")

    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)

    assert containers_below(business.state.root) == []
    assert business.newest().record.status in ("Stopped", "Succeeded")
