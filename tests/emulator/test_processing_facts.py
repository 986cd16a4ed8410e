"""Facts of docs/fidelity.md on processing jobs, each seen through a job with real processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_machine import contents, job_context, put

from contracts.errors import CallerError
from emulator.job_context import JobContext, JobFailedError
from emulator.processing_job import run_processing_job

pytestmark = pytest.mark.functional

PROLOGUE = """
import json, os, pathlib, sys
root = pathlib.Path(os.environ["BATCHSCORE_ML_ROOT"])
host = json.loads((root / "config/resourceconfig.json").read_text())["current_host"]
output = root / "processing/output/all"
message = root / "output/message"
"""


def job(
    folder: Path,
    code: str,
    *,
    instances: int = 1,
    arguments: tuple[str, ...] = (),
    output_path: str = "/opt/ml/processing/output/all",
    upload_mode: str = "EndOfJob",
) -> dict[str, Any]:
    """Return a request for running `code` after the prologue, with one output to s3://b/out/."""
    script = folder / "script.py"
    script.write_text(PROLOGUE + code)
    output = {"S3Uri": "s3://b/out/", "LocalPath": output_path, "S3UploadMode": upload_mode}
    return {
        "AppSpecification": {
            "ImageUri": "any",
            "ContainerEntrypoint": ["python3", str(script)],
            "ContainerArguments": list(arguments),
        },
        "ProcessingResources": {"ClusterConfig": {"InstanceCount": instances}},
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "all", "S3Output": output}]},
    }


def failure(context: JobContext, request: dict[str, Any]) -> JobFailedError:
    """Return why the job failed, having seen that it uploaded nothing."""
    with pytest.raises(JobFailedError) as caught:
        run_processing_job(request, context)

    assert contents(context.store, "s3://b/out/") == {}
    return caught.value


@pytest.mark.parametrize("path", ["/opt/ml/output/x", "/opt/ml/processing", "/opt/ml/processing_2/x", "x"])
def test_a_path_outside_of_opt_ml_processing_is_refused(tmp_path: Path, path: str) -> None:
    """[doc] ProcessingS3Input and ProcessingS3Output: LocalPath must begin with /opt/ml/processing/."""
    with pytest.raises(CallerError, match="does not begin with /opt/ml/processing/"):
        run_processing_job(job(tmp_path, "", output_path=path), job_context(tmp_path))

    request = job(tmp_path, "")
    source = {"S3Uri": "s3://b/in/", "LocalPath": path}
    put(job_context(tmp_path).store, "s3://b/in/a", b"x")
    with pytest.raises(CallerError, match="does not begin with /opt/ml/processing/"):
        run_processing_job(
            {**request, "ProcessingInputs": [{"InputName": "i", "S3Input": source}]},
            job_context(tmp_path / "other"),
        )


def test_continuous_upload_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="output all: only S3UploadMode EndOfJob is emulated"):
        run_processing_job(job(tmp_path, "", upload_mode="Continuous"), job_context(tmp_path))


def test_one_instance_that_fails_keeps_every_instance_from_uploading(tmp_path: Path) -> None:
    """[doc] A job fails if any container ends with another exit code than 0."""
    code = "(output / host).write_text('done')\nsys.exit(3 if host == 'algo-2' else 0)\n"

    found = failure(job_context(tmp_path), job(tmp_path, code, instances=3))

    assert found.exit_code == 3
    assert "ended with exit code 3 without a failure message" in str(found)


@pytest.mark.parametrize(
    ("code", "is_by_rules"),
    [
        ("message.write_text('too many faults')\nsys.exit(1)\n", True),
        ("message.write_text('the disk is full')\nsys.exit(3)\n", False),
        ("raise RuntimeError('nobody catches this')\n", False),
    ],
)
def test_only_a_container_that_says_so_was_ended_by_the_run_s_rules(
    tmp_path: Path, code: str, is_by_rules: bool
) -> None:
    found = failure(job_context(tmp_path), job(tmp_path, code))

    assert found.is_by_rules is is_by_rules


def test_a_link_in_an_output_fails_the_job(tmp_path: Path) -> None:
    """[doc] Links are not followed when outputs are uploaded: in AWS the file would be missing."""
    code = "(output / 'whole').write_text('x')\n(output / 'linked').symlink_to(output / 'whole')\n"

    found = failure(job_context(tmp_path), job(tmp_path, code))

    assert str(found).startswith("output all: linked is a symbolic link")


def test_the_failure_message_has_1024_characters_at_most(tmp_path: Path) -> None:
    """[doc] The first 1 KB of /opt/ml/output/message."""
    code = "message.write_text('the reason ' + 'x' * 5000)\nsys.exit(2)\n"

    found = str(failure(job_context(tmp_path), job(tmp_path, code)))

    assert found == "the reason " + "x" * (1024 - len("the reason "))


def test_a_completed_job_has_its_message_too(tmp_path: Path) -> None:
    """[doc] ExitMessage is there after every terminal status."""
    done = run_processing_job(job(tmp_path, "message.write_text('7 records')\n"), job_context(tmp_path))

    assert (done["ProcessingJobStatus"], done["ExitMessage"]) == ("Completed", "7 records")


def test_messages_of_several_instances_are_put_together(tmp_path: Path) -> None:
    """[doc] Concatenated; the reason of a failure is told by those that failed."""
    code = (
        "message.write_text('I am ' + host)\nsys.exit(2 if host != 'algo-1' and 'fail' in sys.argv else 0)\n"
    )
    done = run_processing_job(job(tmp_path, code, instances=2), job_context(tmp_path))

    failing = job(tmp_path, code, instances=3, arguments=("fail",))
    found = str(failure(job_context(tmp_path / "other"), failing))

    assert done["ExitMessage"] == "I am algo-1\nI am algo-2"
    assert found == "I am algo-2\nI am algo-3"


@pytest.mark.parametrize("code", [0, 2])
def test_a_message_that_is_not_utf_8_fails_the_job(tmp_path: Path, code: int) -> None:
    """[doc] The job fails with a ClientError, whatever the container's exit code."""
    script = f"(output / 'x').write_text('x')\nmessage.write_bytes(b'\\xff\\xfe')\nsys.exit({code})\n"

    found = failure(job_context(tmp_path), job(tmp_path, script))

    assert str(found).startswith("what the container wrote to /opt/ml/output/message is not UTF-8")


@pytest.mark.parametrize("arguments", [("x" * 257,), ("x",) * 101])
def test_arguments_that_are_too_long_are_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """[doc] AppSpecification: 100 arguments of 256 characters."""
    with pytest.raises(CallerError, match="takes 100 arguments of 256 characters"):
        run_processing_job(job(tmp_path, "", arguments=arguments), job_context(tmp_path))
