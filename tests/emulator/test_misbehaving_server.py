"""An answer that cannot be right fails its object, with a message that says all that is known of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from small_machine import contents
from transform_requests import csv_job, payloads_to, requests_to, served_objects

from emulator import model_server
from emulator.job_context import JobFailedError
from emulator.transform_job import run_transform_job

pytestmark = pytest.mark.functional

OBJECTS = {"a.csv": b"1\n2\n", "b.csv": b"666\n1\n", "c.csv": b"3\n4\n"}
GOOD_OUTPUTS = {"a.csv.out": b"1.0\n2.0\n", "c.csv.out": b"3.0\n4.0\n"}
ONE_SECOND = {"InvocationsMaxRetries": 0, "InvocationsTimeoutInSeconds": 1}


def failure(folder: Path, misbehaviour: str, **changes: Any) -> str:
    """Run the job over OBJECTS, of which the second one is answered badly, and return its failure reason."""
    context = served_objects(folder, OBJECTS, MISBEHAVE=misbehaviour)

    with pytest.raises(JobFailedError) as caught:
        run_transform_job(csv_job(**changes), context)

    assert contents(context.store, "s3://b/out/") == GOOD_OUTPUTS
    return str(caught.value)


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        ("fewer-lines", "status 200: the container answered 1 predictions for 2 records; .*begins: 666.0"),
        ("more-lines", "status 200: the container answered 3 predictions for 2 records; .*begins: 666.0"),
        ("page", "status 200: the container answered a page of HTML; the answer begins: <!DOCTYPE html>"),
        ("typed-page", "status 200: the container answered a page of HTML; the answer begins: It works!"),
        ("empty", r"status 200: the container answered nothing .*begins: \(empty body\)"),
        ("no-content", "status 204: the container answered nothing"),
        ("no-length", "status 200: the answer says no length"),
        ("redirects", "status 302: over there"),
        ("unavailable", "status 503: warming up"),
        ("too-short", r"status 200: the answer broke off: .*; the answer begins: 1.5\n2$"),
        ("broken-chunks", r"status 200: the answer broke off: .*; the answer begins: 1.5$"),
    ],
)
def test_an_answer_that_is_none_fails_its_object_with_all_that_is_known(
    tmp_path: Path, misbehaviour: str, reason: str
) -> None:
    """The object, the payload's number, the status and the first bytes; the other objects are uploaded."""
    expected = f"^1 of 3 objects failed: b.csv: payload 1 of b.csv: {reason}"

    assert re.search(expected, failure(tmp_path, misbehaviour))


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        ("hangs", "no answer: ReadTimeoutError"),
        ("hangs-midway", r"status 200: the answer broke off: ReadTimeoutError.*begins: 1.5\n2$"),
        ("drips", "status 200: the answer was not complete within 1 seconds; the answer begins: 777"),
    ],
)
def test_an_answer_that_is_late_fails_its_object(tmp_path: Path, misbehaviour: str, reason: str) -> None:
    """[doc] InvocationsTimeoutInSeconds; it bounds the whole answer, not each read."""
    found = failure(tmp_path, misbehaviour, ModelClientConfig=ONE_SECOND)

    assert re.search(f"^1 of 3 objects failed: b.csv: payload 1 of b.csv: {reason}", found)


def test_a_late_answer_is_not_taken_for_the_next_one(tmp_path: Path) -> None:
    """The object after the time-out gets its own answer, though another one comes meanwhile."""
    objects = {"b.csv": b"666\n1\n", "c.csv": b"3\n4\n"}
    context = served_objects(tmp_path, objects, MISBEHAVE="late")
    one_after_the_other = csv_job(MaxConcurrentTransforms=1, ModelClientConfig=ONE_SECOND)

    with pytest.raises(JobFailedError, match=r"b\.csv: payload 1 of b\.csv: no answer: ReadTimeoutError"):
        run_transform_job(one_after_the_other, context)

    assert contents(context.store, "s3://b/out/") == {"c.csv.out": b"3.0\n4.0\n"}


def test_a_server_that_dies_midway_is_named_with_the_payload(tmp_path: Path) -> None:
    """Objects that it had answered before keep their outputs; nothing of the others appears."""
    context = served_objects(tmp_path, OBJECTS, MISBEHAVE="dies")
    one_after_the_other = csv_job(MaxConcurrentTransforms=1, ModelClientConfig={"InvocationsMaxRetries": 1})

    with pytest.raises(JobFailedError) as caught:
        run_transform_job(one_after_the_other, context)

    assert "b.csv: payload 1 of b.csv: the model server was killed by SIGKILL" in str(caught.value)
    assert contents(context.store, "s3://b/out/") == {"a.csv.out": b"1.0\n2.0\n"}


def test_a_server_that_exits_with_1_was_lost(tmp_path: Path) -> None:
    """Any server may end so: the shards that it had not answered can be scored by another."""
    context = served_objects(tmp_path, {"b.csv": b"666\n"}, MISBEHAVE="exits")

    with pytest.raises(JobFailedError, match=r"the model server ended with exit code 1") as caught:
        run_transform_job(csv_job(), context)

    assert not caught.value.is_by_rules


def test_the_payload_that_fails_is_named_by_its_number(tmp_path: Path) -> None:
    context = served_objects(tmp_path, {"a.csv": b"1\n2\n666\n"}, MISBEHAVE="redirects")

    with pytest.raises(JobFailedError, match=r"a\.csv: payload 3 of a\.csv: status 302"):
        run_transform_job(csv_job(BatchStrategy="SingleRecord"), context)

    assert contents(context.store, "s3://b/out/") == {}


def test_an_answer_that_cannot_be_joined_is_shown(tmp_path: Path) -> None:
    joined = {"InputFilter": "$", "JoinSource": "Input", "OutputFilter": "$[-1]"}
    context = served_objects(tmp_path, {"a.csv": b"666\n1\n"}, MISBEHAVE="not-csv")

    with pytest.raises(
        JobFailedError, match=r'payload 1 of a.csv: status 200: .*is not CSV(.|\n)*begins: "1,2\n3$'
    ):
        run_transform_job(csv_job(DataProcessing=joined), context)


@pytest.mark.parametrize(
    ("misbehaviour", "tries"), [("redirects", 1), ("page", 1), ("fewer-lines", 1), ("too-short", 3)]
)
def test_an_answer_that_will_not_change_is_not_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, misbehaviour: str, tries: int
) -> None:
    """A whole answer is an answer; one that broke off is a failing request, which is tried again [doc]."""
    monkeypatch.setattr(model_server, "_RETRY_WAIT_SECONDS", 0.0)
    context = served_objects(tmp_path, {"a.csv": b"666\n1\n"}, MISBEHAVE=misbehaviour)

    with pytest.raises(JobFailedError):
        run_transform_job(csv_job(ModelClientConfig={"InvocationsMaxRetries": 2}), context)

    assert len(payloads_to(context)) == tries


def test_broken_answers_use_up_no_connections(tmp_path: Path) -> None:
    """More objects fail than there are connections, and the last one is still served."""
    objects = {f"{number:02}.csv": b"666\n1\n" for number in range(20)}
    context = served_objects(tmp_path, {**objects, "z.csv": b"1\n"}, MISBEHAVE="no-length")

    with pytest.raises(JobFailedError, match="20 of 21 objects failed"):
        run_transform_job(csv_job(), context)

    assert contents(context.store, "s3://b/out/") == {"z.csv.out": b"1.0\n"}


def test_no_payload_is_sent_before_ping_answers_200(tmp_path: Path) -> None:
    """[doc] Another status is not ready; each try has 2 seconds."""
    context = served_objects(tmp_path, {"a.csv": b"1\n"}, BAD_PINGS="2")

    run_transform_job(csv_job(), context)

    assert [entry["path"] for entry in requests_to(context)] == ["/ping"] * 3 + ["/invocations"]
    assert model_server.PING_TIMEOUT_SECONDS == 2.0


def test_a_server_whose_ping_never_answers_200_fails_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[issue] The service gives up after 30 minutes; here the clock is turned forward."""
    assert model_server.START_TIMEOUT_SECONDS == 1800.0
    monkeypatch.setattr(model_server, "START_TIMEOUT_SECONDS", 0.5)
    context = served_objects(tmp_path, {"a.csv": b"1\n"}, BAD_PINGS="1000000")

    with pytest.raises(JobFailedError, match="the model server did not answer /ping"):
        run_transform_job(csv_job(), context)
