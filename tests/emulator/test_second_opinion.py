"""The SDK's local mode, asked for a second opinion, cuts the same payloads and puts outputs together alike.

It is asked about what it supports: SplitType None and Line, BatchStrategy MultiRecord and SingleRecord,
MaxPayloadInMB, AssembleWith, several objects. Where it is known to say something else stands in DIFFERENCES,
with the reason why we do not follow it; each has a test, which fails when the SDK changes.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from second_opinion import JOB_NAME, Answer, Opinion, megabytes_of_one_byte, run_ours, run_theirs

from contracts.errors import CallerError

pytestmark = pytest.mark.functional

MB = 1024 * 1024
PLAIN_TYPE = "application/octet-stream"
"""Answers of this type may have any number of lines, so that they can tell payloads apart."""

DIFFERENCES = {
    "line_breaks": "it opens objects as text, so that CRLF and CR become LF; the service takes bytes [doc]",
    "text_encoding": "it decodes UTF-8 and fails where an object is none; the service does not look inside",
    "payload_measure": "it measures a Python object in memory, not its bytes [doc], and excludes the limit",
    "too_large_record": "it sends one that is not the last; one over the limit fails its object [doc]",
    "first_record_too_large": "it sends an empty payload before; there is no record in it",
    "assembly": "it adds a newline after every answer, also to one that ends with a newline",
    "statuses": "it takes any answer for a good one; one that is no success fails the object [doc]",
    "line_count": "it takes none or any number of answers; ours fails an object that has not one a record",
    "retries": "it has none; a failing invocation is tried again, 3 times by default [doc]",
    "failed_object": "it loses all outputs and leaves the container running; the others are uploaded [doc]",
    "data_processing": "it ignores filters and joins",
    "offered_strategy": "it takes SINGLE_RECORD, as containers must spell it [doc], for an unknown strategy",
    "strategy_without_split": "it allows BatchStrategy without SplitType; the API does not [doc]",
    "concurrency": "it forces MaxConcurrentTransforms to 1 and always tells the container so",
    "batch_variable": "it says SAGEMAKER_BATCH=True; documented is true",
    "content_type": "it needs a ContentType, which is optional [doc]",
    "subfolders": "it looks at the files of one folder; a prefix has all that starts with it [doc]",
    "manifest": "it scores the S3 manifest file itself, S3DataType being ignored",
    "compression": "it sends a compressed object as it is, CompressionType being ignored",
    "output_folder": "it puts outputs in S3 below a folder of the job's name; the service has none",
    "unlimited_payload": "it takes MaxPayloadInMB 0 for no limit; it means chunked transfer [doc]",
}


def asked(
    *, split: str | None = "Line", strategy: str | None = None, assemble: str | None = None, **changes: Any
) -> dict[str, Any]:
    """Return a request without places; what is None is left out."""
    optional = {"SplitType": split, "BatchStrategy": strategy, "AssembleWith": assemble}
    given_ones = {name: {name: value} if value else {} for name, value in optional.items()}
    return {
        "TransformInput": {"ContentType": PLAIN_TYPE, **given_ones["SplitType"]},
        "TransformOutput": {"Accept": PLAIN_TYPE, **given_ones["AssembleWith"]},
        **given_ones["BatchStrategy"],
        **changes,
    }


def as_csv(request: dict[str, Any]) -> dict[str, Any]:
    """Return the request with CSV in and out."""
    request["TransformInput"]["ContentType"] = request["TransformOutput"]["Accept"] = "text/csv"
    return request


def reversed_bytes(body: bytes) -> tuple[int, bytes]:
    """Answer what tells payloads and their order apart, with newlines anywhere."""
    return 200, body[::-1]


def digest(body: bytes) -> tuple[int, bytes]:
    """Answer one line without its end."""
    return 200, hashlib.sha256(body).hexdigest()[:12].encode()


def both(
    request: Mapping[str, Any], objects: Mapping[str, bytes], answer: Answer, **options: Any
) -> tuple[Opinion, Opinion]:
    """Run a request on both sides: ours, theirs."""
    with tempfile.TemporaryDirectory() as folder:
        ours = run_ours(request, objects, Path(folder, "ours"), answer, **options)
        Path(folder, "theirs", "in").mkdir(parents=True)
        return ours, run_theirs(request, objects, Path(folder, "theirs"), answer, **options)


def check_same(ours: Opinion, theirs: Opinion) -> None:
    """Compare requests and outputs.

    Objects have no order in the SDK (that of `os.listdir`), so that requests are compared as a collection;
    their order inside an object shows in its output.
    """
    assert (ours.failure, theirs.failure) == ("", "")
    assert Counter(theirs.heard) == Counter(ours.heard)
    assert theirs.outputs == ours.outputs


NAMES = ("a.csv", "b b.csv", "ü.csv")
LINES = st.lists(st.sampled_from(["", "1", "2,3", '"a ""b"""', "ü,€", "4,5,6,7,8", " "]), max_size=9)


@st.composite
def contents(draw: st.DrawFn, line_end: str = "\n") -> bytes:
    """Draw an object of short lines, empty ones among them, with and without a last line end."""
    text = line_end.join(draw(LINES)) + draw(st.sampled_from(["", line_end]))
    return text.encode()


def objects_of(content: st.SearchStrategy[bytes]) -> st.SearchStrategy[dict[str, bytes]]:
    return st.dictionaries(st.sampled_from(NAMES), content, min_size=1)


def longest_line(objects: Mapping[str, bytes]) -> int:
    return max(
        len(line) for content in objects.values() for line in content.splitlines(keepends=True) or [b""]
    )


@given(
    objects=objects_of(contents()),
    strategy=st.sampled_from([None, "MultiRecord", "SingleRecord"]),
    assemble=st.sampled_from([None, "None", "Line"]),
    more=st.integers(0, 60),
    is_offered=st.booleans(),
)
def test_lines_are_cut_and_assembled_the_same(
    objects: dict[str, bytes], strategy: str | None, assemble: str | None, more: int, is_offered: bool
) -> None:
    """Payloads are filled to the same byte, whether the request or the container gives the limit."""
    limit = {"MaxPayloadInMB": max(1, min(100, longest_line(objects) + more))}
    answer = digest if assemble == "Line" else reversed_bytes
    request = asked(strategy=strategy, assemble=assemble, **({} if is_offered else limit))

    with megabytes_of_one_byte():
        ours, theirs = both(request, objects, answer, offered=limit if is_offered else None)

    check_same(ours, theirs)
    assert len(b"".join(ours.bodies)) == sum(len(content) for content in objects.values())


@given(
    objects=objects_of(st.one_of(contents(), contents("\r\n"))),
    split=st.sampled_from([None, "None"]),
    assemble=st.sampled_from([None, "None", "Line"]),
)
def test_whole_objects_are_sent_the_same(
    objects: dict[str, bytes], split: str | None, assemble: str | None
) -> None:
    """One payload an object, empty ones included, with every byte of it."""
    ours, theirs = both(
        asked(split=split, assemble=assemble), objects, digest if assemble == "Line" else reversed_bytes
    )

    check_same(ours, theirs)
    assert Counter(ours.bodies) == Counter(objects.values())


@settings(max_examples=15)
@given(
    lengths=st.lists(st.tuples(st.integers(100, 3000), st.integers(1, 40)), min_size=1, max_size=4),
    megabytes=st.integers(1, 2),
    is_ended=st.booleans(),
)
def test_lines_are_cut_the_same_by_real_megabytes(
    lengths: list[tuple[int, int]], megabytes: int, is_ended: bool
) -> None:
    """Nothing is replaced here: sums of hundreds miss the gap between the measures, see `payload_measure`."""
    blocks = [(b"x" * (100 * hundreds - 1) + b"\n") * count for hundreds, count in lengths]
    content = b"".join(blocks) if is_ended else b"".join(blocks)[:-1]

    ours, theirs = both(asked(MaxPayloadInMB=megabytes), {"a.csv": content}, digest)

    check_same(ours, theirs)


def test_headers_and_variables_are_the_same() -> None:
    """But for those that are named among the differences."""
    request = asked(strategy="SingleRecord", MaxPayloadInMB=1, Environment={"MINE": "1"})
    del request["TransformOutput"]["Accept"]

    ours, theirs = both(request, {"a.csv": b"1\n"}, digest)

    check_same(ours, theirs)
    told = {"SAGEMAKER_MAX_PAYLOAD_IN_MB": "1", "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD", "MINE": "1"}
    assert told.items() <= ours.environment.items()
    assert told.items() <= theirs.environment.items()
    assert [(one.content_type, one.accept) for one in ours.heard] == [(PLAIN_TYPE, None)]


def test_every_known_difference_has_a_test() -> None:
    tests = {
        name.removeprefix("test_difference_") for name in globals() if name.startswith("test_difference_")
    }

    assert tests == set(DIFFERENCES)


@given(objects=objects_of(contents("\r\n")), strategy=st.sampled_from(["MultiRecord", "SingleRecord"]))
@settings(max_examples=30)
def test_difference_line_breaks(objects: dict[str, bytes], strategy: str) -> None:
    """Ours sends the bytes of the object; theirs what ours would of the object with LF."""
    request = asked(strategy=strategy)

    ours, theirs = both(request, objects, reversed_bytes)

    assert Counter(b"".join(ours.bodies)) == Counter(b"".join(objects.values()))
    translated = {key: content.replace(b"\r\n", b"\n") for key, content in objects.items()}
    check_same(both(request, translated, reversed_bytes)[0], theirs)
    assert both(asked(strategy="SingleRecord"), {"a": b"1\r2\n"}, digest)[1].bodies == [b"1\n", b"2\n"]


def test_difference_line_count() -> None:
    """Nothing is documented; a wrong number would shift scores to other records in silence."""
    objects = {"a.csv": b"1\n2\n"}

    ours, theirs = both(as_csv(asked()), objects, digest)
    assert "answered 1 predictions for 2 records" in ours.failure
    assert (theirs.failure, len(theirs.outputs)) == ("", 1)

    ours, theirs = both(asked(), objects, lambda _: (200, b""))
    assert "answered nothing to a payload that is not empty" in ours.failure
    assert (theirs.failure, theirs.outputs) == ("", {"a.csv.out": b""})


@pytest.mark.parametrize("split", ["None", "Line"])
def test_difference_text_encoding(split: str) -> None:
    content = "ü\n".encode("latin-1")

    ours, theirs = both(asked(split=split), {"a.csv": content}, digest)

    assert ours.bodies == [content]
    assert theirs.failure.startswith("UnicodeDecodeError")
    assert theirs.bodies == []


def test_difference_payload_measure() -> None:
    """An empty text takes some 50 bytes; characters take 1, 2 or 4 bytes, whatever their UTF-8 does."""
    request = asked(split=None, MaxPayloadInMB=1)
    largest = MB - sys.getsizeof("") - 1

    check_same(*both(request, {"a.csv": b"1" * largest}, digest))
    ours, theirs = both(request, {"a.csv": b"1" * MB}, digest)
    assert (ours.failure, ours.bodies) == ("", [b"1" * MB])
    assert "Record is larger than 1MB" in theirs.failure
    assert "Record is larger than 1MB" in both(request, {"a.csv": b"1" * (largest + 1)}, digest)[1].failure
    euros = ("€" * 400_000).encode()
    ours, theirs = both(request, {"a.csv": euros}, digest)
    assert "payload limit of 1048576 bytes" in ours.failure
    assert (theirs.failure, theirs.bodies) == ("", [euros])


def test_difference_too_large_record() -> None:
    with megabytes_of_one_byte():
        ours, theirs = both(asked(MaxPayloadInMB=4), {"a.csv": b"1\n22222222\n3\n"}, digest)

    assert "a record is over the payload limit of 4 bytes" in ours.failure
    assert (theirs.failure, theirs.bodies) == ("", [b"1\n", b"22222222\n", b"3\n"])


@pytest.mark.parametrize("split", ["None", "Line"])
def test_difference_first_record_too_large(split: str) -> None:
    with megabytes_of_one_byte():
        ours, theirs = both(asked(split=split, MaxPayloadInMB=4), {"a.csv": b"22222222\n"}, digest)

    assert "payload limit" in ours.failure
    assert ours.bodies == []
    assert "Record is larger than 4MB" in theirs.failure
    assert theirs.bodies == [b""]


@pytest.mark.parametrize(
    ("answered", "our_output", "their_output"),
    [(b"1\n", b"1\n1\n", b"1\n\n1\n\n"), (b"1", b"1\n1\n", b"1\n1\n")],
)
def test_difference_assembly(answered: bytes, our_output: bytes, their_output: bytes) -> None:
    """The last case is the one without a difference."""
    request = asked(strategy="SingleRecord", assemble="Line")

    ours, theirs = both(request, {"a.csv": b"7\n8\n"}, lambda _: (200, answered))

    assert ours.outputs == {"a.csv.out": our_output}
    assert theirs.outputs == {"a.csv.out": their_output}


@pytest.mark.parametrize("status", [400, 413, 500])
def test_difference_statuses(status: int) -> None:
    request = asked(ModelClientConfig={"InvocationsMaxRetries": 0})

    ours, theirs = both(request, {"a.csv": b"1\n"}, lambda _: (status, b"no"))

    assert f"status {status}: no" in ours.failure
    assert ours.outputs == {}
    assert (theirs.failure, theirs.outputs) == ("", {"a.csv.out": b"no"})


def test_difference_retries() -> None:
    def first_try_fails(body: bytes) -> tuple[int, bytes]:
        tries[body] += 1
        return (200, b"7") if tries[body] == 2 else (503, b"later")

    tries: Counter[bytes] = Counter()
    ours, theirs = both(asked(), {"a.csv": b"1\n"}, first_try_fails)

    assert (ours.outputs, ours.bodies) == ({"a.csv.out": b"7"}, [b"1\n"] * 2)
    assert (theirs.outputs, theirs.bodies) == ({"a.csv.out": b"later"}, [b"1\n"])


def test_difference_failed_object() -> None:
    with megabytes_of_one_byte():
        objects = {"a.csv": b"1\n", "b.csv": b"22222222\n", "c.csv": b"3\n"}
        ours, theirs = both(asked(MaxPayloadInMB=4), objects, digest)

    assert ours.failure.startswith("1 of 3 objects failed: b.csv: ")
    assert sorted(ours.outputs) == ["a.csv.out", "c.csv.out"]
    assert ours.is_stopped
    assert theirs.failure.startswith("RuntimeError: Record is larger")
    assert theirs.outputs == {}
    assert not theirs.is_stopped


def test_difference_data_processing() -> None:
    processing = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}

    ours, theirs = both(
        as_csv(asked(assemble="Line", DataProcessing=processing)),
        {"a.csv": b"x,1\n"},
        lambda _: (200, b"7"),
    )

    assert (ours.bodies, ours.outputs) == ([b"1\n"], {"a.csv.out": b"x,7\n"})
    assert (theirs.bodies, theirs.outputs) == ([b"x,1\n"], {"a.csv.out": b"7\n"})


def test_difference_offered_strategy() -> None:
    offered = {"BatchStrategy": "SINGLE_RECORD"}

    ours, theirs = both(asked(), {"a.csv": b"1\n2\n"}, digest, offered=offered)

    assert ours.bodies == [b"1\n", b"2\n"]
    assert theirs.failure.startswith("ValueError: Invalid Batch Strategy")


def test_difference_strategy_without_split() -> None:
    request, objects = asked(split=None, strategy="SingleRecord"), {"a.csv": b"1\n2\n"}

    assert their_side(request, objects).bodies == [b"1\n2\n"]
    with pytest.raises(CallerError, match="BatchStrategy SingleRecord needs a SplitType"):
        both(request, objects, digest)


@pytest.mark.parametrize(("given_one", "told"), [(None, None), (2, "2")])
def test_difference_concurrency(given_one: int | None, told: str | None) -> None:
    changes = {} if given_one is None else {"MaxConcurrentTransforms": given_one}

    ours, theirs = both(asked(**changes), {"a.csv": b"1\n"}, digest)

    check_same(ours, theirs)
    assert ours.environment.get("SAGEMAKER_MAX_CONCURRENT_TRANSFORMS") == told
    assert theirs.environment["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] == "1"


def test_difference_batch_variable() -> None:
    ours, theirs = both(asked(), {"a.csv": b"1\n"}, digest)

    assert ours.environment["SAGEMAKER_BATCH"] == "true"
    assert theirs.environment["SAGEMAKER_BATCH"] == "True"


def test_difference_content_type() -> None:
    request = asked()
    del request["TransformInput"]["ContentType"]

    ours, theirs = both(request, {"a.csv": b"1\n"}, digest)

    assert (ours.failure, ours.bodies) == ("", [b"1\n"])
    assert theirs.failure == "KeyError: 'ContentType'"


def test_difference_subfolders() -> None:
    ours, theirs = both(asked(), {"a.csv": b"1\n", "deep/b.csv": b"2\n"}, reversed_bytes)

    assert sorted(ours.outputs) == ["a.csv.out", "deep/b.csv.out"]
    assert sorted(theirs.outputs) == ["a.csv.out"]


def test_difference_manifest() -> None:
    """What ours does with one is tested in test_transform_job."""
    manifest = b'[{"prefix": "s3://b/in/"}, "a.csv"]'
    request = asked(split=None)
    request["TransformInput"]["DataSource"] = {"S3DataType": "ManifestFile"}

    assert their_side(request, {"manifest.json": manifest}).bodies == [manifest]


def test_difference_compression() -> None:
    request, packed = asked(split=None), gzip.compress(b"1\n", mtime=0)
    request["TransformInput"]["CompressionType"] = "Gzip"

    assert their_side(request, {"a.csv.gz": packed}).bodies == [packed]


def test_difference_output_folder() -> None:
    """Below a folder of this machine, the SDK has none either."""
    theirs = their_side(asked(), {"a.csv": b"1\n"}, output="s3://b/out")

    assert (theirs.failure, theirs.uploads, theirs.outputs) == ("", [f"out/{JOB_NAME}"], {})


def test_difference_unlimited_payload() -> None:
    content = b"1\n" * (4 * MB)

    assert their_side(asked(split=None, MaxPayloadInMB=0), {"a.csv": content}).bodies == [content]


def their_side(request: Mapping[str, Any], objects: Mapping[str, bytes], **options: Any) -> Opinion:
    with tempfile.TemporaryDirectory() as folder:
        return run_theirs(request, objects, Path(folder), digest, **options)
