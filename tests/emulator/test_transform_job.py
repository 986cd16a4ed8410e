"""Batch Transform behaves as documented, seen through a real server whose score is a sum."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from small_machine import contents, job_context, put, put_archive

from contracts.errors import CallerError
from emulator.job_context import JobContext, JobFailedError
from emulator.transform_job import run_transform_job
from emulator.transform_request import read_request, request_environment

pytestmark = pytest.mark.functional


def asked(*, instances: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a request for scoring s3://b/in/ as CSV lines; `changes` go to its top level."""
    return {
        "ModelName": "adder",
        "TransformInput": {
            "ContentType": "text/csv",
            "SplitType": "Line",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in/"}},
        },
        "TransformOutput": {"S3OutputPath": "s3://b/out/", "Accept": "text/csv", "AssembleWith": "Line"},
        "TransformResources": {"InstanceCount": instances, "InstanceType": "ml.m5.large"},
        "MaxPayloadInMB": 1,
        "MaxConcurrentTransforms": 2,
        **changes,
    }


def with_model(folder: Path, objects: dict[str, bytes], **environment: str) -> JobContext:
    """Return a context with the model `adder` and some objects below s3://b/in/."""
    context = job_context(folder, **environment)
    put_archive(context.store, "s3://b/model.tar.gz")
    container = {"Image": "any", "ModelDataUrl": "s3://b/model.tar.gz"}
    context.registry.create_model("adder", {"PrimaryContainer": container}, created_at="now")
    for key, content in objects.items():
        put(context.store, f"s3://b/in/{key}", content)
    return context


def requests_to(context: JobContext, instance: int) -> list[str]:
    log = context.folder / f"algo-{instance}" / "requests.log"
    return [json.loads(line)["body"] for line in log.read_text().splitlines()]


def test_every_object_gets_an_output_of_its_name_in_its_order(tmp_path: Path) -> None:
    """[doc] `<input name>.out`; as many outputs as inputs; order inside an object is kept."""
    context = with_model(tmp_path, {"a.csv": b"1,2\n3,4\n", "deep/b.csv": b"5\n6"})

    run_transform_job(asked(), context)

    assert contents(context.store, "s3://b/out/") == {
        "a.csv.out": b"3.0\n7.0\n",
        "deep/b.csv.out": b"5.0\n6.0\n",
    }


def test_objects_are_dealt_out_by_key(tmp_path: Path) -> None:
    """[doc] S3 objects are partitioned by key over instances; one object never crosses two."""
    context = with_model(tmp_path, {f"{n}.csv": f"{n}\n".encode() for n in range(5)})

    run_transform_job(asked(instances=2), context)

    assert sorted(requests_to(context, 1)) == ["0\n", "2\n", "4\n"]
    assert sorted(requests_to(context, 2)) == ["1\n", "3\n"]


def test_filters_and_join_keep_the_id_beside_the_score(tmp_path: Path) -> None:
    context = with_model(tmp_path, {"a.csv": b'"x,1",1,2\ny,3,4\n'})
    processing = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}

    run_transform_job(asked(DataProcessing=processing), context)

    assert requests_to(context, 1) == ["1,2\n3,4\n"]
    assert contents(context.store, "s3://b/out/") == {"a.csv.out": b'"x,1",3.0\ny,7.0\n'}


def test_an_object_that_fails_gets_no_output_and_the_others_do(tmp_path: Path) -> None:
    """[doc] The other objects complete and upload; the job then ends Failed; nothing partial is uploaded."""
    context = with_model(
        tmp_path, {"a.csv": b"1\n", "b.csv": b"666\n", "c.csv": b"3\n"}, MISBEHAVE="refuses-666"
    )

    with pytest.raises(JobFailedError) as caught:
        run_transform_job(asked(), context)

    assert str(caught.value) == (
        "1 of 3 objects failed: b.csv: payload 1 of b.csv: status 400: the number of the beast"
    )
    assert contents(context.store, "s3://b/out/") == {"a.csv.out": b"1.0\n", "c.csv.out": b"3.0\n"}


def test_a_failing_invocation_is_tried_again(tmp_path: Path) -> None:
    """[doc] InvocationsMaxRetries: 3 unless the request says otherwise."""
    context = with_model(tmp_path, {"a.csv": b"1\n"}, MISBEHAVE="fails-once")

    run_transform_job(asked(), context)

    assert contents(context.store, "s3://b/out/") == {"a.csv.out": b"1.0\n"}
    assert len(requests_to(context, 1)) == 2


def test_without_retries_the_first_failure_counts(tmp_path: Path) -> None:
    context = with_model(tmp_path, {"a.csv": b"1\n"}, MISBEHAVE="fails-once")

    with pytest.raises(JobFailedError, match="status 503: warming up"):
        run_transform_job(asked(ModelClientConfig={"InvocationsMaxRetries": 0}), context)


def test_fewer_answers_than_records_fail_the_object(tmp_path: Path) -> None:
    context = with_model(tmp_path, {"a.csv": b"x,1\ny,2\n"}, MISBEHAVE="one-too-few")
    processing = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}

    with pytest.raises(JobFailedError, match="answered 1 predictions for 2 records"):
        run_transform_job(asked(DataProcessing=processing), context)


def test_a_server_that_dies_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    context = with_model(tmp_path, {"a.csv": b"1\n"}, MISBEHAVE="dies")

    with pytest.raises(JobFailedError, match=r"exit code 9(.|\n)*out of cheese"):
        run_transform_job(asked(), context)


def test_a_server_that_does_not_start_is_reported_with_its_reason(tmp_path: Path) -> None:
    context = with_model(tmp_path, {"a.csv": b"1\n"}, MISBEHAVE="never-starts")

    with pytest.raises(JobFailedError, match="no model in /opt/ml/model"):
        run_transform_job(asked(), context)


def test_what_the_request_leaves_open_the_container_decides(tmp_path: Path) -> None:
    """[doc] Precedence: request, then /execution-parameters (which spells SINGLE_RECORD), then default."""
    offered = json.dumps(
        {"MaxConcurrentTransforms": 1, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 1}
    )
    context = with_model(tmp_path, {"a.csv": b"1\n2\n"}, OFFERED=offered)
    request = asked()
    del request["MaxPayloadInMB"], request["MaxConcurrentTransforms"]

    run_transform_job(request, context)

    assert requests_to(context, 1) == ["1\n", "2\n"]


def test_what_the_request_says_wins_over_the_container(tmp_path: Path) -> None:
    offered = json.dumps({"BatchStrategy": "SINGLE_RECORD"})
    context = with_model(tmp_path, {"a.csv": b"1\n2\n"}, OFFERED=offered)

    run_transform_job(asked(BatchStrategy="MultiRecord"), context)

    assert requests_to(context, 1) == ["1\n2\n"]


def test_an_empty_prefix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="no object is below s3://b/in/"):
        run_transform_job(asked(), with_model(tmp_path, {}))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"MaxPayloadInMB": 60, "MaxConcurrentTransforms": 2}, "60 is above 100"),
        ({"MaxPayloadInMB": 101, "MaxConcurrentTransforms": 1}, "expected 0 to 100"),
        ({"ModelClientConfig": {"InvocationsMaxRetries": 4}}, "InvocationsMaxRetries must be 0 to 3"),
        (
            {"DataProcessing": {"JoinSource": "Input"}, "TransformOutput": {"S3OutputPath": "s3://b/o/"}},
            "must equal",
        ),
        ({"BatchStrategy": "SingleRecord", "TransformInput": None}, "SingleRecord needs a SplitType"),
        ({"BatchStrategy": "MultiRecord", "TransformInput": None}, "MultiRecord needs a SplitType"),
        ({"MaxPayloadInMB": None, "MaxConcurrentTransforms": 50}, "50 x MaxPayloadInMB 6 is above 100"),
        ({"TransformResources": {"InstanceCount": 101}}, "InstanceCount is 101, expected 1 to 100"),
        ({"Environment": {f"A{n}": "1" for n in range(17)}}, "Environment has 17 entries, at most 16"),
        ({"DataProcessing": {"OutputFilter": "$[0:2,5:]"}}, "OutputFilter '$[0:2,5:]' has 2 ranges"),
    ],
)
def test_a_request_that_the_service_refuses_is_refused(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    """[doc] CreateTransformJob: the product rule, the ranges, and equal types when joining."""
    request = asked(**changes)
    if request["TransformInput"] is None:
        request["TransformInput"] = {**asked()["TransformInput"], "SplitType": "None"}

    with pytest.raises(CallerError, match=re.escape(reason)):
        run_transform_job(request, with_model(tmp_path, {"a.csv": b"1\n"}))


def test_the_container_is_told_only_what_the_request_set() -> None:
    """[doc] SAGEMAKER_MAX_PAYLOAD_IN_MB and its like are there only where the request set them."""
    request = asked(BatchStrategy="MultiRecord", Environment={"MINE": "1"})
    del request["MaxConcurrentTransforms"]

    assert request_environment(read_request(request)) == {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": "1",
        "SAGEMAKER_BATCH_STRATEGY": "MULTI_RECORD",
        "MINE": "1",
    }


@pytest.mark.parametrize(
    "offered", ['{"MaxConcurrentTransforms": "many"}', '{"MaxConcurrentTransforms": 0}', "[1]"]
)
def test_an_offer_that_makes_no_sense_fails_the_job_with_what_was_offered(
    tmp_path: Path, offered: str
) -> None:
    context = with_model(tmp_path, {"a.csv": b"1\n"}, OFFERED=offered)
    request = asked()
    del request["MaxConcurrentTransforms"]

    with pytest.raises(JobFailedError, match="/execution-parameters"):
        run_transform_job(request, context)


def test_the_unpacked_model_does_not_stay(tmp_path: Path) -> None:
    context = with_model(tmp_path, {"a.csv": b"1\n"})

    run_transform_job(asked(), context)

    assert not (context.folder / "algo-1" / "ml").exists()


def test_a_long_last_word_of_a_server_keeps_its_end(tmp_path: Path) -> None:
    """The reason stands at the end of a traceback."""
    context = with_model(tmp_path, {"a.csv": b"1\n"}, MISBEHAVE="dies-talking")

    with pytest.raises(JobFailedError, match="THE REASON"):
        run_transform_job(asked(), context)


def from_manifest(context: JobContext, document: Any, **changes: Any) -> dict[str, Any]:
    """Return a request for scoring what an S3 manifest file names, having put that file into the store."""
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    put(context.store, "s3://b/lists/manifest.json", text)
    source = {"S3DataType": "ManifestFile", "S3Uri": "s3://b/lists/manifest.json"}
    request = asked(**changes)
    return {
        **request,
        "TransformInput": {**request["TransformInput"], "DataSource": {"S3DataSource": source}},
    }


def test_a_manifest_file_names_the_objects_to_score(tmp_path: Path) -> None:
    """[doc] Each key is put after the prefix; nothing else below the prefix is scored."""
    objects = {"a.csv": b"1,2\n", "b.csv": b"3\n", "deep/c.csv": b"4,5\n", "d.csv": b"6\n"}
    context = with_model(tmp_path, objects)

    run_transform_job(
        from_manifest(context, [{"prefix": "s3://b/in/"}, "deep/c.csv", "d.csv", "a.csv"], instances=2),
        context,
    )

    assert contents(context.store, "s3://b/out/") == {
        "a.csv.out": b"3.0\n",
        "d.csv.out": b"6.0\n",
        "deep/c.csv.out": b"9.0\n",
    }
    assert sorted(requests_to(context, 1)) == ["1,2\n", "4,5\n"]
    assert requests_to(context, 2) == ["6\n"]


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (b"{not json", "cannot be read as JSON"),
        ({"prefix": "s3://b/in/"}, "is {'prefix': 's3://b/in/'}; expected [{"),
        ([], "is []"),
        (["a.csv"], "starts with 'a.csv'"),
        ([{"prefix": "s3://b/in/", "more": 1}, "a.csv"], "starts with {'prefix'"),
        ([{"prefix": "in/"}, "a.csv"], "has the prefix 'in/'"),
        ([{"prefix": "s3://b/in/"}], "names no object"),
        ([{"prefix": "s3://b/in/"}, 7], "has the key 7"),
        ([{"prefix": "s3://b/in/"}, "a.csv", "a.csv"], "names 'a.csv' twice"),
        (
            [{"prefix": "s3://b/in/"}, "a.csv", "x.csv", "y.csv"],
            "names 2 of 3 objects that are not there: s3://b/in/x.csv, s3://b/in/y.csv",
        ),
    ],
)
def test_a_manifest_file_of_another_form_is_refused(tmp_path: Path, document: Any, fault: str) -> None:
    """[doc] First a prefix, then keys; what it names must exist."""
    context = with_model(tmp_path, {"a.csv": b"1\n"})

    with pytest.raises(CallerError, match=r"^S3 manifest file s3://b/lists/manifest.json: ") as caught:
        run_transform_job(from_manifest(context, document), context)

    assert fault in str(caught.value)


def test_a_manifest_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    context = with_model(tmp_path, {"a.csv": b"1\n"})
    request = from_manifest(context, [])
    context.store.path_of("s3://b/lists/manifest.json").unlink()

    with pytest.raises(CallerError, match=r"manifest.json: cannot be read as JSON: .*No such file"):
        run_transform_job(request, context)


def test_another_kind_of_list_is_not_emulated(tmp_path: Path) -> None:
    """AugmentedManifestFile is of training jobs [doc]."""
    request = asked()
    request["TransformInput"]["DataSource"]["S3DataSource"]["S3DataType"] = "AugmentedManifestFile"

    with pytest.raises(
        CallerError, match=r"AugmentedManifestFile is not emulated \(S3Prefix, ManifestFile are\)"
    ):
        run_transform_job(request, with_model(tmp_path, {"a.csv": b"1\n"}))
