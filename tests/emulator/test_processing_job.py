"""Processing jobs: what a container finds, and what becomes of what it leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_machine import contents, job_context, put

from contracts.errors import CallerError
from emulator.job_context import JobFailedError
from emulator.processing_job import run_processing_job

pytestmark = pytest.mark.functional

LISTS_ITS_INPUT = """
import json, os, pathlib, sys
root = pathlib.Path(os.environ["BATCHSCORE_ML_ROOT"])
config = json.loads((root / "config/resourceconfig.json").read_text())
source = root / "processing/input/source"
found = sorted(str(p.relative_to(source)) for p in source.rglob("*") if p.is_file())
folder = root / "processing/output/listing"
(folder / (config["current_host"] + ".json")).write_text(json.dumps([config["hosts"], found, sys.argv[1:]]))
"""
FAILS_WITH_A_MESSAGE = """
import os, pathlib, sys
root = pathlib.Path(os.environ["BATCHSCORE_ML_ROOT"])
(root / "processing/output/listing/half.txt").write_text("half")
(root / "output/message").write_text("the header has no customer_id")
sys.exit(2)
"""


def asked(
    script: Path, code: str, *, instances: int = 1, distribution: str = "FullyReplicated"
) -> dict[str, Any]:
    script.write_text(code)
    return {
        "AppSpecification": {
            "ImageUri": "any",
            "ContainerEntrypoint": ["python3", str(script)],
            "ContainerArguments": ["--mode", "list"],
        },
        "ProcessingResources": {"ClusterConfig": {"InstanceCount": instances}},
        "ProcessingInputs": [
            {
                "InputName": "source",
                "S3Input": {
                    "S3Uri": "s3://b/in/",
                    "LocalPath": "/opt/ml/processing/input/source",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                    "S3DataDistributionType": distribution,
                },
            }
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "listing",
                    "S3Output": {
                        "S3Uri": "s3://b/out/",
                        "LocalPath": "/opt/ml/processing/output/listing",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
    }


def run(tmp_path: Path, request: dict[str, Any]) -> dict[str, bytes]:
    context = job_context(tmp_path)
    for key in ("a", "deep/b", "c"):
        put(context.store, f"s3://b/in/{key}", b"x")
    run_processing_job(request, context)
    return contents(context.store, "s3://b/out/")


def test_each_instance_finds_every_object_when_fully_replicated(tmp_path: Path) -> None:
    """[doc] FullyReplicated; resourceconfig.json names the hosts; arguments arrive as they are."""
    found = run(tmp_path, asked(tmp_path / "s.py", LISTS_ITS_INPUT, instances=2))

    listing = b'[["algo-1", "algo-2"], ["a", "c", "deep/b"], ["--mode", "list"]]'
    assert found == {"algo-1.json": listing, "algo-2.json": listing}


def test_whole_objects_are_dealt_out_when_sharded_by_key(tmp_path: Path) -> None:
    """[doc] ShardedByS3Key: each instance gets its share of whole objects."""
    request = asked(tmp_path / "s.py", LISTS_ITS_INPUT, instances=2, distribution="ShardedByS3Key")

    found = run(tmp_path, request)

    assert b'["a", "deep/b"]' in found["algo-1.json"]
    assert b'["c"]' in found["algo-2.json"]


def test_a_failed_job_uploads_nothing_and_gives_the_container_s_reason(tmp_path: Path) -> None:
    """[doc] EndOfJob: nothing is uploaded; /opt/ml/output/message becomes the failure reason."""
    context = job_context(tmp_path)
    put(context.store, "s3://b/in/a", b"x")

    with pytest.raises(JobFailedError, match=r"^the header has no customer_id$") as caught:
        run_processing_job(asked(tmp_path / "s.py", FAILS_WITH_A_MESSAGE), context)

    assert caught.value.exit_code == 2
    assert contents(context.store, "s3://b/out/") == {}


def test_a_container_that_dies_without_a_word_is_reported_with_its_log(tmp_path: Path) -> None:
    code = "import os, signal\nprint('about to fall', flush=True)\nos.kill(os.getpid(), signal.SIGKILL)\n"

    with pytest.raises(JobFailedError, match=r"killed by SIGKILL(.|\n)*about to fall"):
        run(tmp_path, asked(tmp_path / "s.py", code))


def test_a_mode_that_is_not_emulated_is_refused_by_name(tmp_path: Path) -> None:
    request = asked(tmp_path / "s.py", LISTS_ITS_INPUT)
    request["ProcessingInputs"][0]["S3Input"]["S3InputMode"] = "Pipe"

    with pytest.raises(CallerError, match="input source: S3InputMode Pipe is not emulated, File is"):
        run(tmp_path, request)
