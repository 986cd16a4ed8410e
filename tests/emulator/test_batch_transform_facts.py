"""Facts of docs/fidelity.md on Batch Transform, each seen through a whole job with a real server."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from small_machine import contents, put
from transform_requests import csv_job, payloads_to, requests_to, served_objects

from contracts.errors import CallerError
from emulator.job_context import JobContext, JobFailedError
from emulator.transform_job import run_transform_job
from emulator.transform_request import Batching, batching, read_request

pytestmark = pytest.mark.functional

MB = 1024 * 1024


def outputs(context: JobContext) -> dict[str, bytes]:
    return contents(context.store, "s3://b/out/")


def test_one_object_keeps_one_instance_busy(tmp_path: Path) -> None:
    """[doc] One object and N instances leave N - 1 without work."""
    context = served_objects(tmp_path, {"a.csv": b"1\n2\n"})

    run_transform_job(csv_job(instances=3), context)

    assert sorted(path.name for path in context.folder.glob("algo-?")) == ["algo-1"]


def test_answers_are_put_in_the_order_of_their_payloads(tmp_path: Path) -> None:
    """[doc] Several requests are under way at once, and the output has the order of the object."""
    numbers = range(200)
    context = served_objects(tmp_path, {"a.csv": b"".join(b"%d\n" % number for number in numbers)})

    run_transform_job(csv_job(BatchStrategy="SingleRecord", MaxConcurrentTransforms=8), context)

    assert outputs(context)["a.csv.out"] == b"".join(b"%d.0\n" % number for number in numbers)


@pytest.mark.parametrize("strategy", ["SingleRecord", "MultiRecord"])
@pytest.mark.parametrize("answer", ["7", "7\n"])
def test_line_assembly_ends_every_answer_with_one_line_feed(
    tmp_path: Path, strategy: str, answer: str
) -> None:
    """[doc] A newline at the end of every transformed record, and here none where there is one already."""
    context = served_objects(tmp_path, {"a.csv": b"1\n", "b.csv": b"2\n"}, ANSWER=answer)

    run_transform_job(csv_job(BatchStrategy=strategy), context)

    assert outputs(context) == {"a.csv.out": b"7\n", "b.csv.out": b"7\n"}


def test_without_assembly_answers_are_put_together_as_they_are(tmp_path: Path) -> None:
    """[doc] AssembleWith None concatenates."""
    context = served_objects(tmp_path, {"a.csv": b"1\n2\n3\n"}, ANSWER="7;")

    run_transform_job(csv_job(BatchStrategy="SingleRecord", assemble="None"), context)

    assert outputs(context) == {"a.csv.out": b"7;7;7;"}


@pytest.mark.parametrize(("split", "payloads"), [("None", ["1\n2\n"]), ("Line", ["1\n", "2\n"])])
def test_gzip_objects_are_decompressed_before_they_are_split(
    tmp_path: Path, split: str, payloads: list[str]
) -> None:
    """[doc] CompressionType Gzip; the output keeps the whole name of the input."""
    context = served_objects(tmp_path, {"a.csv.gz": gzip.compress(b"1\n2\n")})
    strategy = "SingleRecord" if split == "Line" else None

    run_transform_job(csv_job(split=split, compression="Gzip", BatchStrategy=strategy), context)

    assert sorted(payloads_to(context)) == payloads
    assert outputs(context) == {"a.csv.gz.out": b"1.0\n2.0\n"}


def test_the_limit_counts_decompressed_bytes(tmp_path: Path) -> None:
    packed = gzip.compress(b"1" * (MB + 1))
    context = served_objects(tmp_path, {"a.csv.gz": packed})

    with pytest.raises(JobFailedError, match="is over the payload limit of 1048576 bytes"):
        run_transform_job(csv_job(split="None", compression="Gzip"), context)
    assert len(packed) < MB


@pytest.mark.parametrize("damaged", [b"1\n2\n", gzip.compress(b"1\n2\n", mtime=0)[:-9]])
def test_a_damaged_gzip_object_fails_and_the_others_do_not(tmp_path: Path, damaged: bytes) -> None:
    context = served_objects(tmp_path, {"a.csv": damaged, "b.csv": gzip.compress(b"3\n")})

    with pytest.raises(JobFailedError, match=r"a\.csv: the object cannot be decompressed as Gzip"):
        run_transform_job(csv_job(compression="Gzip"), context)

    assert outputs(context) == {"b.csv.out": b"3.0\n"}


def test_a_prefix_without_a_slash_takes_its_siblings_too(tmp_path: Path) -> None:
    """[doc] A prefix is a string prefix; outputs are named by what follows its last slash."""
    context = served_objects(tmp_path, {"a.csv": b"1\n"})
    put(context.store, "s3://b/in_2/b.csv", b"2\n")

    run_transform_job(csv_job(prefix="s3://b/in"), context)

    assert outputs(context) == {"in/a.csv.out": b"1.0\n", "in_2/b.csv.out": b"2.0\n"}


def test_defaults_hold_where_neither_request_nor_container_says(tmp_path: Path) -> None:
    """[doc] 6 MB (of 1024 x 1024 bytes), one request at a time, many records, 600 seconds, 3 retries."""
    request = csv_job(MaxPayloadInMB=None, MaxConcurrentTransforms=None, ModelClientConfig=None)
    facts = read_request(request)

    assert batching(facts, {}) == Batching(
        takes_many_records=True, max_concurrent=1, max_payload_bytes=6 * MB
    )
    assert (facts.timeout_seconds, facts.max_retries) == (600, 3)
    context = served_objects(tmp_path, {"a.csv": b"1\n2\n"})
    run_transform_job(request, context)
    assert payloads_to(context) == ["1\n2\n"]


@pytest.mark.parametrize("key", ["MaxConcurrentTransforms", "MaxPayloadInMB", "BatchStrategy"])
def test_each_value_is_taken_from_the_first_that_says_it(key: str) -> None:
    """[doc] Request, then container, then default, for each of the three by itself."""
    asked = {"MaxConcurrentTransforms": 2, "MaxPayloadInMB": 1, "BatchStrategy": "MultiRecord"}
    offered = {"MaxConcurrentTransforms": 4, "MaxPayloadInMB": 3, "BatchStrategy": "SINGLE_RECORD"}

    settled = batching(read_request(csv_job(**{**asked, key: None})), offered)

    assert settled == Batching(
        takes_many_records=key != "BatchStrategy",
        max_concurrent=4 if key == "MaxConcurrentTransforms" else 2,
        max_payload_bytes=(3 if key == "MaxPayloadInMB" else 1) * MB,
    )


def test_a_product_of_exactly_100_is_taken() -> None:
    """[doc] MaxConcurrentTransforms x MaxPayloadInMB is at most 100; without the former, 100 is taken."""
    facts = read_request(csv_job(MaxConcurrentTransforms=4, MaxPayloadInMB=25))

    assert (facts.max_concurrent, facts.max_payload_mb) == (4, 25)
    assert read_request(csv_job(MaxConcurrentTransforms=None, MaxPayloadInMB=100)).max_payload_mb == 100


def test_a_concurrency_of_0_leaves_the_choice_to_the_container(tmp_path: Path) -> None:
    """[doc] Set to 0 or left unset, /execution-parameters decides; the container is not told 0."""
    facts = read_request(csv_job(MaxConcurrentTransforms=0))

    assert batching(facts, {"MaxConcurrentTransforms": 3}).max_concurrent == 3
    context = served_objects(tmp_path, {"a.csv": b"1\n"})
    run_transform_job(csv_job(MaxConcurrentTransforms=0), context)
    assert "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS" not in started(context)["environment"]


@pytest.mark.parametrize(
    "offered", [{"MaxPayloadInMB": 101}, {"MaxPayloadInMB": 0}, {"BatchStrategy": "MultiRecord"}]
)
def test_an_offer_out_of_range_fails_the_job(tmp_path: Path, offered: dict[str, Any]) -> None:
    """Neither it nor another spelling of the strategy is taken for the default."""
    context = served_objects(tmp_path, {"a.csv": b"1\n"}, OFFERED=json.dumps(offered))

    with pytest.raises(JobFailedError, match=r"/execution-parameters offered .*: expected"):
        run_transform_job(csv_job(MaxPayloadInMB=None), context)


@pytest.mark.parametrize(("split", "compression"), [("None", "None"), ("Line", "None"), ("None", "Gzip")])
def test_a_payload_limit_of_0_streams_the_object_in_chunks(
    tmp_path: Path, split: str, compression: str
) -> None:
    """[doc] MaxPayloadInMB 0: a payload of any size, in HTTP chunks and without a length."""
    content = b"1\n" * (MB + 7)
    stored = gzip.compress(content, 1) if compression == "Gzip" else content
    context = served_objects(tmp_path, {"a.csv": stored}, ANSWER="7")

    run_transform_job(csv_job(MaxPayloadInMB=0, split=split, compression=compression), context)

    (sent,) = [entry for entry in requests_to(context) if entry["path"] == "/invocations"]
    assert sent["body"].encode() == content
    assert sent["headers"]["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in sent["headers"]
    assert started(context)["environment"]["SAGEMAKER_MAX_PAYLOAD_IN_MB"] == "0"
    assert outputs(context) == {"a.csv.out": b"7\n"}


def test_a_streamed_object_is_sent_anew_from_its_beginning(tmp_path: Path) -> None:
    """[doc] Retries hold for it too."""
    context = served_objects(tmp_path, {"a.csv": b"666\n"}, MISBEHAVE="unavailable")
    request = csv_job(MaxPayloadInMB=0, ModelClientConfig={"InvocationsMaxRetries": 1})

    with pytest.raises(JobFailedError, match=r"payload 1 of a\.csv: status 503: warming up"):
        run_transform_job(request, context)

    assert payloads_to(context) == ["666\n", "666\n"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"MaxPayloadInMB": -1}, "MaxPayloadInMB is -1, expected 0 to 100"),
        ({"MaxConcurrentTransforms": -1}, "MaxConcurrentTransforms is -1, expected 0 or more"),
        ({"MaxPayloadInMB": 0, "BatchStrategy": "SingleRecord"}, "not emulated with SingleRecord"),
        ({"MaxPayloadInMB": 0, "DataProcessing": {"JoinSource": "Input"}}, "filters or joins"),
        ({"ModelClientConfig": {"InvocationsTimeoutInSeconds": 0}}, "must be 1 to 3600"),
        ({"ModelClientConfig": {"InvocationsTimeoutInSeconds": 3601}}, "must be 1 to 3600"),
        ({"ModelClientConfig": {"InvocationsMaxRetries": -1}}, "must be 0 to 3"),
        ({"instances": 0}, "InstanceCount is 0, expected 1 to 100"),
        ({"split": "Tab"}, "SplitType Tab is not emulated (None, Line, RecordIO, TFRecord are)"),
        ({"compression": "Snappy"}, "CompressionType Snappy is not emulated (None, Gzip are)"),
        ({"assemble": "Tab"}, "AssembleWith Tab is not emulated (None, Line are)"),
        (
            {
                "TransformInput": {
                    "ContentType": "application/x-parquet",
                    "SplitType": "None",
                    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in/"}},
                },
                "DataProcessing": {"JoinSource": "Input"},
            },
            "not for application/x-parquet",
        ),
    ],
)
def test_what_create_transform_job_refuses_is_refused(changes: dict[str, Any], reason: str) -> None:
    """[doc] API reference: ranges, and the media types of DataProcessing."""
    with pytest.raises(CallerError, match=re.escape(reason)):
        read_request(csv_job(**changes))


def test_an_object_that_fails_late_leaves_no_partial_output(tmp_path: Path) -> None:
    """[doc] Its first answers were good, and yet nothing of them is uploaded or left behind."""
    context = served_objects(tmp_path, {"a.csv": b"1\n2\n3\n666\n"}, MISBEHAVE="redirects")

    with pytest.raises(JobFailedError, match=r"payload 4 of a\.csv"):
        run_transform_job(csv_job(BatchStrategy="SingleRecord", MaxConcurrentTransforms=1), context)

    assert outputs(context) == {}
    assert [path for path in tmp_path.rglob("*") if path.name.startswith("a.csv.out")] == []


def test_a_placeholder_answer_keeps_the_order(tmp_path: Path) -> None:
    """[doc] Text such as ERROR stands in the output in the place of a record's prediction."""
    context = served_objects(tmp_path, {"a.csv": b"1\n2\n"}, ANSWER="0.5\nERROR")

    run_transform_job(csv_job(), context)

    assert outputs(context) == {"a.csv.out": b"0.5\nERROR\n"}


def started(context: JobContext) -> dict[str, Any]:
    """Return how the first instance's server was started."""
    found: dict[str, Any] = json.loads((context.folder / "algo-1" / "started.json").read_text())
    return found


def test_the_container_finds_its_argument_environment_and_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[doc] `serve`; variables of the model and of the job; its port; the model below /opt/ml/model."""
    unpacked: list[str] = []
    monkeypatch.setattr(
        "emulator.transform_job.shutil.rmtree",
        lambda root, **_: unpacked.extend(str(path.relative_to(root)) for path in root.rglob("*.txt")),
    )
    context = served_objects(tmp_path, {"a.csv": b"1\n"})

    run_transform_job(csv_job(Environment={"OF_JOB": "2"}), context)

    found = started(context)
    assert found["arguments"] == ["serve"]
    assert found["environment"].items() >= {"OF_MODEL": "1", "OF_JOB": "2", "SAGEMAKER_BATCH": "true"}.items()
    assert int(found["environment"]["SAGEMAKER_BIND_TO_PORT"]) > 0
    assert unpacked == ["model/readme.txt"]


def test_a_payload_comes_with_its_content_type_and_accept(tmp_path: Path) -> None:
    """[doc] The media types of the request, at POST /invocations."""
    context = served_objects(tmp_path, {"a.csv": b"1\n"})

    run_transform_job(csv_job(), context)

    (sent,) = [entry for entry in requests_to(context) if entry["path"] == "/invocations"]
    assert (sent["headers"]["Content-Type"], sent["headers"]["Accept"]) == ("text/csv", "text/csv")
    assert sent["headers"]["Content-Length"] == "2"
