"""A definition compiles where there is no AWS at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from contracts.errors import InternalError
from pipelines.candidate import get_pipeline
from pipelines.offline_session import OfflinePipelineSession
from steps.sdk import PipelineSession

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "candidate-planned-single-arrow.json"

COMPILE_WITHOUT_SOCKETS = """
import os, socket, sys
def refuse(*_arguments, **_named):
    raise SystemExit("a socket was used")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
before = dict(os.environ)
from pipelines.definition import definition_text
sys.stdout.write(definition_text("candidate"))
import boto3, logging
assert dict(os.environ) == before, "the environment was changed"
assert boto3.DEFAULT_SESSION is None, "a default boto3 session was left behind"
assert logging.getLogger().handlers == [], "logging was set up"
"""


def _compile(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", COMPILE_WITHOUT_SOCKETS]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.functional
def test_definition_compiles_in_an_empty_environment_without_sockets(tmp_path: Path) -> None:
    """No region, no credentials, no settings, no network: the golden text, and silence beside it."""
    done = _compile({"PATH": os.defpath, "HOME": str(tmp_path)})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.functional
def test_definition_does_not_depend_on_the_callers_aws_settings(tmp_path: Path) -> None:
    """A region, a profile that does not exist, a role from a metadata service: none of them is looked at."""
    settings = {
        "AWS_DEFAULT_REGION": "ap-south-1",
        "AWS_PROFILE": "no-such-profile",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/role",
    }
    done = _compile({"PATH": os.defpath, "HOME": str(tmp_path), **settings})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == GOLDEN.read_text(encoding="utf-8")


def test_a_session_of_ones_own_gives_the_same_definition() -> None:
    """Only the session differs between the laptop's door and AWS's; an AWS region and keys change nothing."""
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "of nobody"}
    own = boto3.Session(region_name="eu-west-1", **keys)
    pipeline = get_pipeline(sagemaker_session=PipelineSession(boto_session=own))
    assert pipeline.sagemaker_session.boto_region_name == "eu-west-1"
    assert json.loads(pipeline.definition()) == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_offline_session_refuses_to_talk_to_aws() -> None:
    """The message names the call and the remedy."""
    session = OfflinePipelineSession()
    with pytest.raises(InternalError, match=r"sagemaker\.describe_model.*sagemaker_session of your own"):
        session.sagemaker_client.describe_model(ModelName="m")


def test_starting_an_offline_pipeline_fails_and_sends_no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK reports failed starts over the network, in a thread; offline there is no region to send to."""
    sent: list[str] = []
    telemetry = sys.modules["sagemaker.core.telemetry.telemetry_logging"]
    monkeypatch.setattr(telemetry, "_requests_helper", lambda url, _timeout: sent.append(url))
    monkeypatch.setattr(telemetry, "_send_telemetry_request", telemetry._send_telemetry_request_sync)
    with pytest.raises(InternalError, match="start_pipeline_execution"):
        get_pipeline().start()
    assert sent == []


def test_uploads_are_refused() -> None:
    """A definition that needs an upload could not be compiled twice."""
    session = OfflinePipelineSession()
    with pytest.raises(InternalError, match="cannot upload files"):
        session.upload_data("code.py")
    with pytest.raises(InternalError, match="cannot upload text"):
        session.upload_string_as_file_body("text", "bucket", "key")


def test_bucket_account_and_role_are_fixed() -> None:
    """Whatever the SDK asks for while compiling, it gets the same answer everywhere."""
    session = OfflinePipelineSession("eu-west-1")
    assert session.default_bucket() == "sagemaker-eu-west-1-000000000000"
    assert session.account_id() == "000000000000"
    assert session.expand_role("scoring") == "scoring"
