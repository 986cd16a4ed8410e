"""`batchscore image-push` with an engine that keeps what it was told, against moto's ECR."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import boto3
import pytest
from emulated_aws import REGION, connection

from contracts.errors import CallerError, PlatformError
from runner.aws.image_push import engine, push_image

pytestmark = pytest.mark.functional

IMAGE_ID = "0123456789abcdef" * 4
MANIFEST = '{"schemaVersion": 2}'
MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
TAG = IMAGE_ID[:20]


class RecordingEngine:
    """Keeps every call, and puts what is pushed into ECR as an engine would."""

    def __init__(self) -> None:
        self.calls: list[tuple[list[str], str]] = []

    def __call__(self, arguments: Any, given: str) -> str:
        """Keep the call; answer an image's id where it is asked for."""
        self.calls.append((list(arguments), given))
        if arguments[0] == "push":
            repository, tag = arguments[1].split("/", 1)[1].split(":")
            boto3.client("ecr", region_name=REGION).put_image(
                repositoryName=repository,
                imageManifest=MANIFEST,
                imageTag=tag,
                imageManifestMediaType=MEDIA_TYPE,
            )
        return f"sha256:{IMAGE_ID}" if arguments[0] == "image" else ""


@pytest.mark.usefixtures("aws")
def test_an_image_is_pushed_and_named_by_its_digest() -> None:
    """Into a repository that is made: scanned at every push, its tags fixed."""
    recording = RecordingEngine()
    pushed = push_image("batchscore:local", "scoring", connection(), recording)
    registry = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/scoring"
    assert pushed.uri == f"{registry}:{TAG}"
    assert pushed.digest_uri.startswith(f"{registry}@sha256:")
    (repository,) = boto3.client("ecr", region_name=REGION).describe_repositories()["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}


@pytest.mark.usefixtures("aws")
def test_the_password_goes_by_standard_input() -> None:
    """A list of processes would show an argument to everybody on the machine."""
    recording = RecordingEngine()
    push_image("batchscore:local", "scoring", connection(), recording)
    ((arguments, password),) = [call for call in recording.calls if call[0][0] == "login"]
    assert password
    assert password not in arguments
    assert arguments[:4] == ["login", "--username", "AWS", "--password-stdin"]


@pytest.mark.usefixtures("aws")
def test_the_same_image_is_pushed_once() -> None:
    """The second time nothing is asked of the engine but the image's id."""
    push_image("batchscore:local", "scoring", connection(), RecordingEngine())
    recording = RecordingEngine()
    pushed = push_image("batchscore:local", "scoring", connection(), recording)
    assert pushed.was_there
    assert [call[0][0] for call in recording.calls] == ["image"]


def test_a_missing_engine_and_a_failing_one_are_named(tmp_path: Path) -> None:
    """With what the engine said."""
    with pytest.raises(CallerError, match="no-engine is not on the PATH"):
        engine("no-engine")(["push", "x"], "")
    script = tmp_path / "engine"
    script.write_text("#!/bin/sh\necho denied: no such host >&2\nexit 1\n", encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(PlatformError, match="push failed: denied: no such host"):
        engine(str(script))(["push", "x"], "")


def test_nobody_is_asked_where_nobody_is(batchscore: Any, tmp_path: Path) -> None:
    """In CI a question would wait for ever."""
    script = tmp_path / "engine"
    script.write_text(f"#!/bin/sh\necho sha256:{IMAGE_ID}\n", encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    answer = batchscore("image-push", "--engine", str(script))
    assert answer.exit_code == 2
    assert "give --yes" in answer.err
    assert f"push batchscore:local ({IMAGE_ID[:12]})" in answer.out
