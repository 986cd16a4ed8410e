"""The fast way gives the documents that the slow way gives, or stands back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.errors import CallerError
from emulator import json_processing
from emulator.json_columns import read_columns
from emulator.transform_request import TransformRequest, read_request

ANSWERS = st.sampled_from(
    ["1", '{"score":0.5}', '{"error":"x\\"y"}', '{"a":1,"a":2}', "[1]", "oops", '{"a":{}}']
)
SINGLES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = SINGLES | TEXTS | st.lists(SINGLES | TEXTS) | st.dictionaries(TEXTS, SINGLES, max_size=1)
RECORDS = st.fixed_dictionaries({"id": TEXTS, "features": VALUES}) | st.dictionaries(
    TEXTS, VALUES, max_size=3
)
LINES = st.tuples(RECORDS, st.booleans()).map(lambda both: json.dumps(both[0], ensure_ascii=both[1]))
SCRAPS = st.sampled_from(
    [
        "",
        "7",
        '{"id":"a","features":[01]}',
        '{"id":"a","features":[1]',
        '{"id":"a","id":"b","features":[1]}',
        '{"id":"a","features":[1],"features":[2]}',
        '{"features":[1],"id":"a"}',
        '{"id":"a","features":[1e999]}',
        '{"id":"a","features":[1e100]}',
        '{"id":"\\ud800","features":[1]}',
        '{"id":"a","features":[1]}{}',
        ' { "id" : "a" , "features" : [ 1 , null ] } \r',
    ]
)


def asked(output_filter: str) -> TransformRequest:
    kind = "application/jsonlines"
    return read_request(
        {
            "ModelName": "m",
            "TransformInput": {
                "ContentType": kind,
                "SplitType": "Line",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in/"}},
            },
            "TransformOutput": {"S3OutputPath": "s3://b/out/", "Accept": kind, "AssembleWith": "Line"},
            "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
            "DataProcessing": {
                "InputFilter": "$.features",
                "JoinSource": "Input",
                "OutputFilter": output_filter,
            },
        }
    )


def outcome(payload: bytes, answer: bytes, output_filter: str) -> tuple[list[Any], list[Any]] | str:
    """Return the documents that the container got and those of the output, or the error."""
    bodies: list[bytes] = []

    def infer(body: bytes) -> bytes:
        bodies.append(body)
        return answer

    try:
        output = json_processing.process_json(payload, asked(output_filter), infer, name="payload")
    except CallerError as error:
        return str(error)
    return [json.loads(line) for line in bodies[0].splitlines()], [
        json.loads(line) for line in output.split(b"\n")[:-1]
    ]


@given(
    st.lists(st.tuples(LINES | SCRAPS, ANSWERS), min_size=1),
    st.sampled_from(["$['id','SageMakerOutput']", "$['SageMakerOutput','id']", "$", "$.SageMakerOutput"]),
)
@example([('{"id":"a","features":[1]}', '{"score":1}')] * 2, "$['id','SageMakerOutput']")
@example([('{"id":"a","features":[1]}', '{"a":1,"a":2}')], "$['id','SageMakerOutput']")
def test_the_fast_way_gives_what_the_slow_way_gives(pairs: list[tuple[str, str]], output_filter: str) -> None:
    """The same documents, or the same error."""
    payload, answer = ("\n".join(lines).encode() + b"\n" for lines in zip(*pairs, strict=True))
    fast = outcome(payload, answer, output_filter)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_processing, "read_columns", lambda _: None)
        slow = outcome(payload, answer, output_filter)
    assert fast == slow


@pytest.mark.parametrize("count", [16, 17, 2000])
def test_objects_with_many_members_are_taken_too(count: int) -> None:
    """Fast up to a number of members, slowly beyond it."""
    record = {f"name {number}": number for number in range(count)} | {"id": "a", "features": [1]}
    payload = json.dumps(record).encode() + b"\n"
    found = outcome(payload, b"0.5", "$['id','SageMakerOutput']")
    assert found == ([[1]], [{"id": "a", "SageMakerOutput": 0.5}])


def test_shards_of_the_jsonlines_wire_take_the_fast_way() -> None:
    """Otherwise it would be no use."""
    columns = read_columns(b'{"id":"a\\n\\"\xc3\xbc","features":[1,null]}\n{"id":"b","features":[-2e-7,3]}\n')

    assert columns is not None
    assert columns.filtered("$.features") == b"[1,null]\n[-2e-7,3]\n"
    assert columns.joined(b'{"score":0.5}\n{"error":"no"}\n', "$['id','SageMakerOutput']") == (
        b'{"id":"a\\n\\"\xc3\xbc","SageMakerOutput":{"score":0.5}}\n{"id":"b","SageMakerOutput":{"error":"no"}}\n'
    )
