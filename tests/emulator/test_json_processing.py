"""Filters and joins around JSON payloads do what the documentation says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from contracts.errors import CallerError
from emulator.json_processing import JsonProcessingError, process_json
from emulator.transform_request import TransformRequest, read_request

SHARD = b'{"id":"a","features":[1,2]}\n{"id":"\\u00fc\\n","features":[3,null]}\n'


def request(
    content_type: str = "application/jsonlines", split: str = "Line", **processing: str
) -> dict[str, Any]:
    return {
        "ModelName": "m",
        "TransformInput": {
            "ContentType": content_type,
            "SplitType": split,
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in/"}},
        },
        "TransformOutput": {"S3OutputPath": "s3://b/out/", "Accept": content_type, "AssembleWith": split},
        "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
        "DataProcessing": processing,
    }


def facts(**processing: str) -> TransformRequest:
    return read_request(request(**processing))


def sums(body: bytes) -> bytes:
    """Answer each array with its sum, null as 0."""
    lines = [json.loads(line) for line in body.splitlines()]
    return b"".join(b'{"score":%d}\n' % sum(value or 0 for value in line) for line in lines)


def processed(payload: bytes, asked: TransformRequest, infer: Callable[[bytes], bytes] = sums) -> bytes:
    return process_json(payload, asked, infer, name="payload 1")


def test_the_container_gets_what_the_input_filter_selects() -> None:
    """One array a line, in the order of the payload."""
    bodies: list[bytes] = []

    def infer(body: bytes) -> bytes:
        bodies.append(body)
        return sums(body)

    asked = facts(InputFilter="$.features", JoinSource="Input", OutputFilter="$['id','SageMakerOutput']")
    output = processed(SHARD, asked, infer)

    assert bodies == [b"[1,2]\n[3,null]\n"]
    assert [json.loads(line) for line in output.splitlines()] == [
        {"id": "a", "SageMakerOutput": {"score": 3}},
        {"id": "ü\n", "SageMakerOutput": {"score": 3}},
    ]


def test_the_input_gains_the_answer() -> None:
    """[doc: API_DataProcessing] Without an output filter the whole joined object is written."""
    first = processed(SHARD, facts(InputFilter="$.features", JoinSource="Input")).splitlines()[0]
    assert first == b'{"id":"a","features":[1,2],"SageMakerOutput":{"score":3}}'


def test_an_input_that_is_no_object_becomes_one() -> None:
    """[doc: API_DataProcessing] The joined result must be an object."""
    assert processed(b"[1,2]\n[3,4]", facts(JoinSource="Input")) == (
        b'{"SageMakerInput":[1,2],"SageMakerOutput":{"score":3}}\n'
        b'{"SageMakerInput":[3,4],"SageMakerOutput":{"score":7}}\n'
    )


def test_without_a_join_the_output_filter_takes_from_the_answer() -> None:
    assert processed(b"[1,2]\n", facts(OutputFilter="$.score")) == b"3\n"


def test_numbers_reach_the_container_as_the_numbers_they_are() -> None:
    numbers = b'{"f":[0.1,1e-7,123456789012345678,3.4028235e+38,5e-324]}\n'
    bodies: list[bytes] = []
    processed(numbers, facts(InputFilter="$.f"), lambda body: bodies.append(body) or b"1\n")  # type: ignore[func-returns-value]  # append gives None
    assert json.loads(bodies[0]) == json.loads(numbers)["f"]


def test_a_json_object_is_one_document() -> None:
    """Without SplitType the object as a whole is filtered, scored and joined."""
    asked = read_request(
        request(
            "application/json",
            "None",
            InputFilter="$.rows",
            JoinSource="Input",
            OutputFilter="$.SageMakerOutput",
        )
    )
    body = b'{\n "rows": [\n [1], [2]]\n}\n'
    assert process_json(body, asked, lambda got: b'{"got":' + got + b"}", name="p") == b'{"got":[[1],[2]]}'


@pytest.mark.parametrize(
    ("payload", "answer", "message"),
    [
        (b"[1]\n{x\n", b"1\n2\n", "line 2 of payload 1 is not JSON"),
        (b"[1]\n\n[2]\n", b"1\n2\n", "line 2 of payload 1 is not JSON"),
        (b"[1]\n", b"oops\n", "line 1 of the answer to payload 1 is not JSON"),
        (b"[1]\n[2]\n", b"1\n", "answered 1 predictions for 2 records"),
        (b"[1]\n", b"", "answered 0 predictions for 1 records"),
        (b"[1]\n", b"1\n2\n", "answered 2 predictions for 1 records"),
        (b"\xff\n", b"1\n", "line 1 of payload 1 is not JSON"),
        (b"[NaN]\n", b"1\n", "line 1 of payload 1 is not JSON: NaN is no JSON number"),
        (b"[1e999]\n", b"1\n", "a document has a number beyond 64-bit floats"),
        (b"[" * 200_000, b"1\n", "line 1 of payload 1 is not JSON"),
        (b'"\\ud800"\n', b"1\n", "a document has half a character"),
    ],
)
def test_what_is_not_one_json_document_a_record_fails_the_object(
    payload: bytes, answer: bytes, message: str
) -> None:
    """Nothing is guessed: a count that differs means that records would get each other's scores."""
    with pytest.raises(JsonProcessingError, match=re.escape(message)):
        processed(payload, facts(JoinSource="Input"), lambda _: answer)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (request("image/png", InputFilter="$.x"), "application/json, not for image/png"),
        (request("application/json", "Line", InputFilter="$.x"), "emulated without SplitType, it is Line"),
        (request(InputFilter="$.customer_id"), "has a JSON name with '_'"),
        (request(InputFilter="$." + "x" * 62), "has 64 characters, at most 63"),
        (request(InputFilter="$.x[0:1,3:]"), "has 2 ranges"),
        (
            {**request(JoinSource="Input"), "TransformOutput": {"S3OutputPath": "s3://b/out/"}},
            "Accept None must equal ContentType application/jsonlines",
        ),
        (
            {**request(JoinSource="Input"), "TransformOutput": {"S3OutputPath": "s3://b/out/"}},
            "AssembleWith None must equal SplitType Line",
        ),
    ],
)
def test_a_request_that_would_be_refused_is_refused(asked: dict[str, Any], message: str) -> None:
    """[doc] When the job is created, before anything is scored."""
    with pytest.raises(CallerError, match=re.escape(message)):
        read_request(asked)
