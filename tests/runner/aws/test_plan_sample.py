"""A sample is read by the project's own readers, and says how many records the whole input has."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from emulated_aws import REGION
from tiny_model import TINY_CONTRACT

from contracts.errors import BatchScoreError, CallerError
from runner.aws.checks import CannotTellError
from runner.aws.plan_sample import Preparation, SampleFacts, read_sample
from runner.aws.ranged_object import RangedObject
from runner.aws.source_listing import list_source, spread

pytestmark = pytest.mark.functional

PREPARATION = Preparation(
    contract=TINY_CONTRACT.encode(),
    contract_name="contract.yaml",
    output_uri="s3://data/out/",
    wire_name="parquet",
    keep_columns="",
    max_payload_mb=6,
)


@pytest.fixture
def s3(aws: None) -> Any:  # noqa: ARG001 - it is asked
    """A client of an account with one empty bucket."""
    client = boto3.client("s3", region_name=REGION)
    client.create_bucket(Bucket="data")
    return client


def _table(count: int) -> pa.Table:
    ids = [f"C{number}" for number in range(count)]
    columns = {"customer_id": ids, "age": [20] * count, "plan": ["basic"] * count, "active": [True] * count}
    return pa.table(columns)


def _parquet(count: int) -> bytes:
    sink = io.BytesIO()
    pq.write_table(_table(count), sink)
    return sink.getvalue()


def _csv(count: int, mark: bytes = b"K") -> bytes:
    header = b"customer_id,age,plan,active\n"
    return header + b"".join(mark + b"%07d,20,basic,true\n" % number for number in range(count))


def _put(s3: Any, name: str, content: bytes) -> None:
    s3.put_object(Bucket="data", Key=f"in/{name}", Body=content)


def _sample(s3: Any, input_format: str = "auto") -> SampleFacts:
    return read_sample(s3, list_source(s3, "s3://data/in/", input_format), PREPARATION)


def test_large_text_is_estimated_from_its_beginnings(s3: Any) -> None:
    """Each megabyte of the sample stands for its share; markers and empty objects stand for nothing."""
    for name in ("a.csv", "b/c.csv", "d.csv", "e.csv"):
        _put(s3, name, _csv(60_000, name[-5].upper().encode()))
    _put(s3, "_SUCCESS", b"")
    _put(s3, "f.csv", b"")
    facts = _sample(s3)
    assert (facts.object_count, facts.is_exact) == (3, False)
    assert facts.record_count < 180_000
    assert facts.total_record_count == pytest.approx(240_000, rel=0.001)
    assert facts.quarantined_count == 0


def test_parquet_is_counted_in_its_footers(s3: Any) -> None:
    """Nothing is estimated, though only 5,000 records of each object are read."""
    for number in range(5):
        _put(s3, f"part-{number}.parquet", _parquet(7_000 + number))
    facts = _sample(s3)
    assert (facts.total_record_count, facts.is_exact) == (5 * 7_000 + 10, True)
    assert (facts.object_count, facts.record_count) == (3, 15_000)
    assert facts.shard_bytes_per_record is not None


def test_parquet_without_its_suffix_is_named_by_the_input_format(s3: Any) -> None:
    _put(s3, "part-0", _parquet(30))
    assert _sample(s3, "parquet").total_record_count == 30


def test_the_start_of_a_large_image_without_its_suffix_is_no_sample(s3: Any) -> None:
    """It would be a truncated image, and the run be said to fail by it."""
    _put(s3, "scan", b"\x89PNG\r\n\x1a\n" + b"\n" * 2_000_000)
    with pytest.raises(CannotTellError, match=r"s3://data/in/scan: is an image file"):
        _sample(s3, "images")


def test_formats_may_be_mixed(s3: Any) -> None:
    """Compressed text, JSON Lines and Parquet, each read as what it is."""
    record = {"customer_id": "C1", "age": 20, "plan": "basic", "active": True}
    lines = [json.dumps({**record, "customer_id": f"J{number}"}) for number in range(20)]
    _put(s3, "a.jsonl", "\n".join(lines).encode())
    _put(s3, "b.csv.gz", gzip.compress(_csv(30)))
    _put(s3, "c.parquet", _parquet(40))
    facts = _sample(s3)
    assert (facts.total_record_count, facts.is_exact) == (90, True)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.parquet", b"PAR1 but no footer", "a.parquet: cannot be read as Parquet"),
        ("a.csv", b"id,age\n1,2\n", "customer_id"),
        ("a.csv", b"customer_id,age,plan,active\n", "holds no record"),
        ("a.zip", b"PK..", "a.zip: looks like images or an archive of them, but the contract has no field"),
    ],
)
def test_what_cannot_be_read_is_named(s3: Any, name: str, content: bytes, message: str) -> None:
    _put(s3, name, content)
    with pytest.raises(BatchScoreError, match=message) as caught:
        _sample(s3)
    assert caught.value.exit_code == CallerError.exit_code


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([], "there is no source object below it"),
        (["_SUCCESS", ".crc"], "there is no source object below it"),
        (["a.csv"], "there is 1 empty objects and nothing else below it"),
    ],
)
def test_an_input_without_data_is_refused(s3: Any, keys: list[str], message: str) -> None:
    for key in keys:
        _put(s3, key, b"")
    _put(s3, "../input/a.csv", b"a sibling")
    with pytest.raises(CallerError, match=message):
        list_source(s3, "s3://data/in/day/" if not keys else "s3://data/in/", "auto")


def test_only_what_is_read_of_an_object_is_asked_for(s3: Any) -> None:
    """A footer costs its own bytes, not those of the object."""
    content = bytes(range(256)) * 100
    _put(s3, "a", content)
    (fact,) = list_source(s3, "s3://data/in/", "auto").objects
    asked: list[str] = []
    s3.meta.events.register(
        "provide-client-params.s3.GetObject", lambda params, **_: asked.append(params["Range"])
    )
    with RangedObject(s3, fact) as stream:
        stream.seek(-4, io.SEEK_END)
        assert stream.read(10) == content[-4:]
        assert stream.read(10) == b""
        stream.seek(2)
        stream.seek(1, io.SEEK_CUR)
        assert stream.read(3) == content[3:6]
        assert stream.tell() == 6
    assert asked == ["bytes=25596-25599", "bytes=3-5"]


def test_a_spread_has_the_first_and_no_object_twice() -> None:
    numbers: list[Any] = list(range(10))
    assert spread(numbers, 3) == [0, 3, 6]
    assert spread(numbers[:2], 3) == [0, 1]
    assert spread(numbers, 10) == numbers
