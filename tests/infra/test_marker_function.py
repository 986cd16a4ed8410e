"""The function in the template that turns a marker's key into its folder's URI."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from cloudformation_yaml import read_template
from emulated_account import TEMPLATE

from pipelines.parameter_specs import PARAMETER_SPECS

EVENTS = Path(__file__).parents[1] / "events"
ARN = "arn:aws:sagemaker:eu-central-1:000000000000:pipeline/batchscore-production/execution/p4jn9xou8a8s"


def _code() -> str:
    function = read_template(TEMPLATE)["Resources"]["MarkerFunction"]["Properties"]
    code: str = function["Code"]["ZipFile"]
    return code


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("PIPELINE_NAME", "batchscore-production")
    module = ModuleType("index")
    exec(compile(_code(), "index.py", "exec"), module.__dict__)  # noqa: S102 - as Lambda does
    return module


def _event(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def _request(module: ModuleType, event: dict[str, Any]) -> dict[str, Any]:
    """Return what the function asks of SageMaker; the Stubber checks it against the shapes of the API."""
    client = boto3.client(
        "sagemaker",
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - nothing is signed for
    )
    sent: dict[str, Any] = {}
    client.meta.events.register("before-parameter-build.sagemaker.*", lambda params, **_: sent.update(params))
    with Stubber(client) as stubber, pytest.MonkeyPatch.context() as patch:
        stubber.add_response(
            "start_pipeline_execution",
            {"PipelineExecutionArn": ARN},
            {"PipelineName": ANY, "PipelineParameters": ANY, "ClientRequestToken": ANY},
        )
        patch.setattr(module.boto3, "client", {"sagemaker": client}.get)
        assert module.handler(event, None) == ARN
    return sent


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("s3_marker", "s3://customer-data/input/2026-11-23/"),
        ("s3_marker_at_the_top", "s3://customer-data/input/"),
        ("s3_marker_of_a_nasty_name", "s3://customer-data/input/a b+c%20d=é/"),
    ],
)
def test_a_marker_starts_production_on_its_folder(module: ModuleType, name: str, folder: str) -> None:
    """Keys stand in the event as they are, blanks, plus and percent signs included.

    [src] moto 5.2 and ministack 1.5 both give EventBridge the plain key, and encode it for queues; what AWS
    documents says nothing of an encoding. Were it wrong, such a folder would be empty, and its run fail.
    """
    event = _event(name)

    request = _request(module, event)

    values = {entry["Name"]: entry["Value"] for entry in request["PipelineParameters"]}
    assert request["PipelineName"] == "batchscore-production"
    assert values == {"InputUri": folder, "RunDate": event["time"]}
    assert {key: PARAMETER_SPECS[key].fault_of(value) for key, value in values.items()} == (
        {"InputUri": "", "RunDate": ""}
    )


def test_an_event_that_comes_twice_starts_one_run(module: ModuleType) -> None:
    """[doc] A start with the same token is one start; S3 and EventBridge deliver at least once."""
    event = _event("s3_marker")
    again = {**event, "id": "another-delivery"}

    first, second = (_request(module, entry)["ClientRequestToken"] for entry in (event, again))

    assert first == second
    assert 32 <= len(first) <= 128


@pytest.mark.parametrize("change", [{"sequencer": "00617F08299329D18A"}, {"key": "input/2026-11-30/_READY"}])
def test_another_marker_starts_another_run(module: ModuleType, change: dict[str, str]) -> None:
    """A marker that is written anew, or lies elsewhere."""
    event, other = _event("s3_marker"), _event("s3_marker")
    other["detail"]["object"] |= change

    tokens = {_request(module, entry)["ClientRequestToken"] for entry in (event, other)}

    assert len(tokens) == 2


def test_an_event_without_a_sequencer_is_told_apart_by_its_own_id(module: ModuleType) -> None:
    """[doc] Powertools' schema of the event holds it to be optional."""
    events = [_event("s3_marker"), _event("s3_marker"), {**_event("s3_marker"), "id": "another"}]
    for event in events:
        del event["detail"]["object"]["sequencer"]

    first, again, other = (_request(module, event)["ClientRequestToken"] for event in events)

    assert first == again != other


def test_an_event_of_another_shape_is_an_error(module: ModuleType) -> None:
    """Lambda tries again, and then puts it into the dead-letter queue."""
    with pytest.raises(KeyError):
        module.handler(_event("input_ready"), None)


def test_the_function_is_written_like_the_rest_of_the_code() -> None:
    """Nobody else lints what stands inside of a template."""
    ruff = Path(sys.executable).with_name("ruff")
    settings = ["--extend-ignore", "ANN,INP001"]
    for arguments in (["check", *settings], ["format", "--check"]):
        command = [ruff, *arguments, "--stdin-filename", "infra/index.py", "-"]
        found = subprocess.run(
            command,
            input=_code(),
            cwd=TEMPLATE.parents[1],
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.returncode == 0, found.stdout + found.stderr
