"""Objects in S3: list, read, write and look for them by their `s3://` URI."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contracts.errors import CallerError

SCHEME = "s3://"


@dataclass(frozen=True, kw_only=True)
class ObjectFact:
    """One object as it is listed.

    Attributes:
        uri: The whole of it.
        key: Below the bucket.
        byte_count: Its size.
        modified_at: When it was last written, as S3 says; UTC.
    """

    uri: str
    key: str
    byte_count: int
    modified_at: dt.datetime


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key (or prefix, which may be empty).

    Raises:
        CallerError: It is no `s3://` URI.
    """
    bucket, _, key = uri.removeprefix(SCHEME).partition("/")
    if not uri.startswith(SCHEME) or not bucket:
        raise CallerError(f"{uri!r} is no S3 URI; expected s3://bucket/key")
    return bucket, key


def list_objects(s3: Any, prefix_uri: str) -> Iterator[ObjectFact]:
    """Yield every object below a prefix, by key; `…/` placeholders of folders are no objects.

    The prefix is a *string* prefix: end it with `/`, or its siblings match too.
    """
    bucket, prefix = split_uri(prefix_uri)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            if entry["Key"].endswith("/") and entry["Size"] == 0:
                continue
            uri = f"{SCHEME}{bucket}/{entry['Key']}"
            yield ObjectFact(
                uri=uri, key=entry["Key"], byte_count=entry["Size"], modified_at=entry["LastModified"]
            )


def read_object(s3: Any, uri: str) -> bytes:
    """Return an object's bytes; for small ones, such as a plan, a ledger or a contract."""
    bucket, key = split_uri(uri)
    body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def object_exists(s3: Any, uri: str) -> bool:
    """Say whether an object is there, by listing its key.

    [doc: HeadObject] To whoever may list a prefix only, by a condition of the policy, S3 answers a question
    for the object itself with 403 where it is missing, as if it were forbidden.
    """
    bucket, key = split_uri(uri)
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", [])
    return bool(listed) and listed[0]["Key"] == key


def read_if_there(s3: Any, uri: str) -> bytes | None:
    """Return an object's bytes, or None if there is no such object."""
    return read_object(s3, uri) if object_exists(s3, uri) else None


def write_object(s3: Any, uri: str, data: bytes, kms_key_id: str = "") -> None:
    """Write a small object, encrypted with the given KMS key or else as the bucket does."""
    bucket, key = split_uri(uri)
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id} if kms_key_id else {}
    s3.put_object(Bucket=bucket, Key=key, Body=data, **encryption)
