"""Objects in S3 by their URI, against moto's S3 in this process."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from contracts.errors import CallerError
from runner.aws.objects import (
    list_objects,
    object_exists,
    read_if_there,
    read_object,
    split_uri,
    write_object,
)

pytestmark = pytest.mark.functional


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a client of a bucket `data` in an emulated S3."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="data")
        yield client


def test_a_folder_is_listed_without_its_siblings_and_its_placeholder(s3: Any) -> None:
    """Consoles make an empty object `folder/` for every folder; it is nobody's data."""
    for key in ("in/", "in/a.csv", "in/deep/b.csv", "in_2/c.csv"):
        s3.put_object(Bucket="data", Key=key, Body=b"" if key.endswith("/") else b"12")
    found = list(list_objects(s3, "s3://data/in/"))
    assert [(fact.uri, fact.byte_count) for fact in found] == [
        ("s3://data/in/a.csv", 2),
        ("s3://data/in/deep/b.csv", 2),
    ]


def test_every_page_of_a_long_list_is_read(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 lists a thousand objects at a time; here two."""
    for number in range(5):
        s3.put_object(Bucket="data", Key=f"many/{number}", Body=b"")
    two_at_a_time = functools.partial(s3.list_objects_v2, MaxKeys=2)
    monkeypatch.setattr(s3, "list_objects_v2", two_at_a_time)
    assert sum(1 for _ in list_objects(s3, "s3://data/many/")) == 5


def test_what_is_written_is_there_and_read_back(s3: Any) -> None:
    """And what was not written is not."""
    write_object(s3, "s3://data/new.json", b"{}", kms_key_id="alias/own")
    assert read_object(s3, "s3://data/new.json") == b"{}"
    assert object_exists(s3, "s3://data/new.json")
    assert not object_exists(s3, "s3://data/other.json")
    assert not object_exists(s3, "s3://data/new.js")
    assert (read_if_there(s3, "s3://data/new.json"), read_if_there(s3, "s3://data/ne")) == (b"{}", None)
    assert s3.head_object(Bucket="data", Key="new.json")["ServerSideEncryption"] == "aws:kms"


@pytest.mark.parametrize("uri", ["data/in/", "s3:///in/", "https://data/in/", ""])
def test_what_is_no_s3_uri_is_refused(uri: str) -> None:
    """A path that was meant for the laptop is named."""
    with pytest.raises(CallerError, match="no S3 URI"):
        split_uri(uri)
