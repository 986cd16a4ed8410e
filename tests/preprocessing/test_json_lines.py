"""Every record of a JSON Lines source ends up in a shard or in quarantine, with its place and its bytes."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from json_sources import expected_outcome, read_source, reasons

GOOD = b'{"id":"9","n":1,"x":0.5,"flag":true,"note":"a"}'
VALUES = [
    b"null",
    b"1",
    b"-0",
    b"12.0",
    b"1.5",
    b"1e3",
    b"-1E-2",
    b"1e999",
    b"-1e999",
    b"1e39",
    b"0.1",
    b"01",
    b"+1",
    b"1.",
    b".5",
    b"-",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"Inf",
    b"nan",
    b"true",
    b"false",
    b"tru",
    b'"a"',
    b'"12"',
    b'""',
    b'"none"',
    b'"NaN"',
    b'"Infinity, "',
    b'"\\u00e9"',
    b'"\xc3\xa9"',
    b'"\xff"',
    b'"\\ud83d"',
    b'"\\ud83d\\ude00"',
    b'"\\u0000"',
    b'"\t"',
    b'"\\q"',
    b'"\x00"',
    b'"}{"',
    b'"\\\\"',
    b'"\\""',
    b"[]",
    b"[1,[2]]",
    b"{}",
    b'{"id":1,"id":2}',
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775808",
    b"-9223372036854775809",
    b"9007199254740993",
    b"9007199254740992.0",
    b"9007199254740991.0",
    b"123456789012345678901234567890",
    b"9" * 400,
    b"0.30000000000000004",
    b"-0.0",
    b"1.7976931348623157e308",
    b"5e-324",
    b"1e-400",
]
KEYS = [
    b'"id"',
    b'"id"',
    b'"n"',
    b'"x"',
    b'"flag"',
    b'"note"',
    b'"other"',
    b'"\\u0069d"',
    b'"\xc3\xa9"',
    b"id",
]
ODD_LINES = [
    b"{}",
    b"[]",
    b"1",
    b"null",
    b'"a"',
    b"{",
    b"}",
    b"{}{}",
    b"{} {}",
    b"{},",
    b"{}x",
    b"{}null",
    b"x{}",
    b" {} ",
    b"\t" + GOOD,
    GOOD + b" ",
    GOOD + GOOD,
    GOOD + b"," + GOOD,
    b"[" + GOOD + b"]",
    GOOD[:-1],
    GOOD + b"}",
    b"\xef\xbb\xbf" + GOOD,
    b"\x00",
    GOOD + b"\x00",
    b"//",
    b"\r" + GOOD,
    b'{"id":"\xe9}',
    b"",
    b" ",
    b"\t\r",
    GOOD.replace(b"}", b",}"),
    GOOD.replace(b":", b": "),
    b'{"id":"a\r","n":1}',
    b'{"id"\r:"a"}',
]

members = st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)).map(b":".join)
objects = st.lists(members, max_size=6).map(lambda found: b"{" + b",".join(found) + b"}")
plain_objects = st.fixed_dictionaries(
    {"id": st.one_of(st.text(max_size=3), st.integers())},
    optional={
        "n": st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.none()),
        "x": st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
        "flag": st.one_of(st.booleans(), st.integers(0, 1)),
        "note": st.text(),
    },
).map(lambda found: json.dumps(found, ensure_ascii=False).encode(errors="surrogatepass"))
lines = st.one_of(st.just(GOOD), st.sampled_from(ODD_LINES), objects, plain_objects)


def expected(
    content: bytes, max_record_bytes: int
) -> tuple[list[dict[str, Any]], list[tuple[int, str, bytes]]]:
    """Read line by line."""
    valid, held_back = [], []
    for number, line in enumerate(content.split(b"\n"), start=1):
        raw = line.removesuffix(b"\r")
        if len(raw) > max_record_bytes:
            held_back.append((number, "record_too_large", raw))
        elif raw.strip(b" \t\r\n"):
            reason, values = expected_outcome(raw)
            if reason == "valid":
                valid.append(values)
            else:
                held_back.append((number, reason, raw))
    return valid, held_back


@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow])
@given(
    found=st.lists(lines, max_size=12),
    line_end=st.sampled_from([b"\n", b"\r\n"]),
    ending=st.booleans(),
    max_record_bytes=st.sampled_from([60, 200, 100_000]),
    block_bytes=st.sampled_from([1, 3, 17, 64, 300, 1 << 20]),
)
@example(found=[GOOD + GOOD, b" "], line_end=b"\n", ending=True, max_record_bytes=200, block_bytes=64)
def test_every_line_is_what_pythons_parser_makes_of_it_whatever_the_block_size(
    found: list[bytes], line_end: bytes, ending: bool, max_record_bytes: int, block_bytes: int
) -> None:
    """Valid with exactly the same values, in order, or held back with the right reason, line and bytes."""
    content = line_end.join([GOOD, *found]) + (line_end if ending else b"")
    valid, held_back = read_source(content, max_record_bytes=max_record_bytes, block_bytes=block_bytes)
    expected_valid, expected_held_back = expected(content, max_record_bytes)
    assert [repr(record) for record in valid] == [repr(record) for record in expected_valid]
    assert reasons(held_back) == expected_held_back
    for record in held_back:
        start = record.place.byte_offset or 0
        assert content[start : start + record.place.raw_byte_count] == record.place.raw
