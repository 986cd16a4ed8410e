"""What the environment says is checked; what it leaves open is computed from the machine."""

from __future__ import annotations

import asyncio
import functools
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from model_server import ROOT, free_port
from tiny_model import make_tiny_model_folder

from contracts.errors import CallerError
from serving import factory
from serving.app import ScoringApp
from serving.settings import settings_from
from serving.sizing import Machine, plan_capacity, resident_bytes, this_machine

GIB = 1024**3
MIB = 1024**2


def test_an_empty_environment_gives_what_the_service_documents() -> None:
    """Port 8080 on every interface, payloads of 6 MB, the model in /opt/ml/model."""
    settings = settings_from({})
    assert (settings.bind_address, settings.port) == ("0.0.0.0", 8080)  # noqa: S104 - the promise under test
    assert settings.max_payload_bytes == 6 * MIB
    assert settings.model_folder == Path("/opt/ml/model")
    assert settings.concurrent_transforms is None
    assert settings.expected_fingerprint is None


def test_a_laptop_says_where_things_are() -> None:
    """The emulator names a folder, a loopback address and a port."""
    settings = settings_from(
        {
            "BATCHSCORE_ML_ROOT": "somewhere/ml",
            "BATCHSCORE_BIND_ADDRESS": "127.0.0.1",
            "SAGEMAKER_BIND_TO_PORT": "9001",
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "4",
            "BATCHSCORE_CONTRACT_FINGERPRINT": "0123456789abcdef",
        }
    )
    assert settings.model_folder == Path("somewhere/ml/model")
    assert (settings.bind_address, settings.port) == ("127.0.0.1", 9001)
    assert settings.concurrent_transforms == 4
    assert settings.expected_fingerprint == "0123456789abcdef"


def test_a_payload_limit_of_zero_means_the_largest_of_the_api() -> None:
    """The service [doc] says 0 when it sends payloads in pieces of any size."""
    assert settings_from({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "0"}).max_payload_mb == 100


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SAGEMAKER_BIND_TO_PORT", "http"),
        ("SAGEMAKER_BIND_TO_PORT", "70000"),
        ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "101"),
        ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "-1"),
        ("SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", "0"),
    ],
)
def test_a_number_out_of_its_range_is_refused(name: str, text: str) -> None:
    """The message says variable, value and range."""
    with pytest.raises(CallerError, match=rf"{name} is '{text}'; expected a whole number from"):
        settings_from({name: text})


@pytest.mark.parametrize(
    ("machine", "loaded_bytes", "payload_mb", "requested", "expected"),
    [
        ((4, 16 * GIB), 200 * MIB, 6, None, (4, 1)),  # one request a core
        ((64, 256 * GIB), 200 * MIB, 6, None, (16, 4)),  # 16 x 6 MB is the API's most
        ((4, 16 * GIB), 200 * MIB, 100, None, (1, 4)),  # one large payload at a time, on all cores
        ((8, 2 * GIB), 700 * MIB, 6, None, (2, 4)),  # memory decides
        ((2, GIB), 2 * GIB, 6, None, (1, 2)),  # never fewer than one
        ((8, 16 * GIB), 200 * MIB, 6, 2, (2, 4)),  # the transform job's own wish
        ((2, 16 * GIB), 200 * MIB, 6, 8, (8, 1)),
        ((8, 2 * GIB), 700 * MIB, 6, 8, (2, 4)),  # a wish that memory cannot fulfil: the rest waits
        ((8, 256 * GIB), 200 * MIB, 50, 8, (2, 4)),  # nor may it break the API's rule
    ],
)
def test_requests_times_threads_fill_the_cores(
    machine: tuple[int, int],
    loaded_bytes: int,
    payload_mb: int,
    requested: int | None,
    expected: tuple[int, int],
) -> None:
    """Within memory and the API's limits."""
    capacity = plan_capacity(
        Machine(core_count=machine[0], memory_bytes=machine[1]),
        loaded_bytes=loaded_bytes,
        max_payload_mb=payload_mb,
        requested=requested,
    )
    assert (capacity.concurrent_transforms, capacity.threads_per_transform) == expected


@pytest.mark.parametrize("core_count", [1, 2, 8, 64])
@pytest.mark.parametrize("memory_bytes", [GIB // 2, 4 * GIB, 512 * GIB])
@pytest.mark.parametrize("max_payload_mb", [1, 6, 33, 100])
@pytest.mark.parametrize("requested", [None, 100])
def test_every_capacity_is_lawful_and_fits(
    core_count: int, memory_bytes: int, max_payload_mb: int, requested: int | None
) -> None:
    """The API's product rule, the memory and the cores all hold, down to one request at a time."""
    machine = Machine(core_count=core_count, memory_bytes=memory_bytes)
    capacity = plan_capacity(
        machine, loaded_bytes=240 * MIB, max_payload_mb=max_payload_mb, requested=requested
    )
    at_once = capacity.concurrent_transforms
    assert 1 <= at_once <= (requested or core_count)
    assert at_once * max_payload_mb <= 100
    assert at_once == 1 or at_once * max_payload_mb * MIB * 64 + 340 * MIB <= 0.8 * memory_bytes
    assert capacity.threads_per_transform == max(1, core_count // at_once)
    taken = at_once * capacity.transform_memory_bytes + 340 * MIB
    assert taken <= 0.8 * memory_bytes or capacity.transform_memory_bytes == max_payload_mb * MIB


def test_what_the_process_holds_already_is_not_offered() -> None:
    """4 GiB and two cores take two payloads of 20 MB beside a process of 240 MB, and one beside 1 GiB."""
    plan = functools.partial(
        plan_capacity, Machine(core_count=2, memory_bytes=4 * GIB), max_payload_mb=20, requested=None
    )
    assert plan(loaded_bytes=240 * MIB).concurrent_transforms == 2
    assert plan(loaded_bytes=GIB).concurrent_transforms == 1


def test_memory_that_is_taken_is_seen() -> None:
    """Whatever takes it: that is how a loaded model is measured."""
    before = resident_bytes()
    block = b"x" * (256 * MIB)
    assert 200 * MIB < resident_bytes() - before < 300 * MIB
    assert len(block) == 256 * MIB


@pytest.mark.functional
@pytest.mark.parametrize(("loaded_bytes", "offered"), [(300 * MIB, 2), (1024 * MIB, 1)])
def test_the_model_counts_with_what_it_takes_when_it_is_loaded(
    loaded_bytes: int, offered: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by its file: the same forest takes 2 times its file as UBJ, 11 as JSON and 14 as ONNX."""
    make_tiny_model_folder(tmp_path / "model")
    readings = [200 * MIB, loaded_bytes]  # before the model is loaded, and after
    monkeypatch.setattr(factory, "resident_bytes", lambda: readings.pop(0))
    monkeypatch.setattr(factory, "this_machine", lambda: Machine(core_count=2, memory_bytes=4 * GIB))
    served: list[ScoringApp] = []

    def run(app: ScoringApp, **_: object) -> None:
        served.append(app)

    environment = {
        "BATCHSCORE_ML_ROOT": str(tmp_path),
        "BATCHSCORE_BIND_ADDRESS": "127.0.0.1",
        "SAGEMAKER_BIND_TO_PORT": str(free_port()),
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": "20",
    }
    factory.serve(settings_from(environment), io.StringIO(), run=run)
    assert execution_parameters(served[0])["MaxConcurrentTransforms"] == offered


def execution_parameters(app: ScoringApp) -> dict[str, Any]:
    """Ask an application what Batch Transform should send."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/execution-parameters", "headers": []}
    asyncio.run(app(scope, receive, send))
    answer: dict[str, Any] = json.loads(sent[1]["body"])
    return answer


@pytest.mark.parametrize(("limit", "is_less"), [("1000000\n", True), ("max\n", False)])
def test_the_limit_of_a_container_counts_as_its_memory(limit: str, is_less: bool, tmp_path: Path) -> None:
    """The machine may have far more than the container may use."""
    (tmp_path / "memory.max").write_text(limit)
    found = this_machine(tmp_path / "memory.max").memory_bytes
    assert (found == 1_000_000) == is_less


def test_nothing_is_read_from_the_environment_on_import() -> None:
    """Every variable that the server knows is nonsense, and importing it neither fails nor says a word."""
    hostile = dict.fromkeys(
        (
            "BATCHSCORE_BIND_ADDRESS",
            "BATCHSCORE_ML_ROOT",
            "BATCHSCORE_CONTRACT_FINGERPRINT",
            "SAGEMAKER_BIND_TO_PORT",
            "SAGEMAKER_MAX_PAYLOAD_IN_MB",
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS",
            "SAGEMAKER_BATCH_STRATEGY",
        ),
        "nonsense",
    )
    code = """
import os, sys
import granian.server.embed, numpy, pyarrow.csv, pyarrow.parquet, xgboost, yaml
def deny(*arguments):
    raise AssertionError(f"the environment was read: {arguments}")
class Denying(dict):
    __getitem__ = __contains__ = get = __iter__ = items = keys = copy = deny
os.environ = Denying()
os.getenv = deny
import serving.__main__
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **hostile},
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_this_machine_has_cores_and_memory() -> None:
    """Whatever it is."""
    machine = this_machine()
    assert machine.core_count >= 1
    assert machine.memory_bytes > 64 * MIB
