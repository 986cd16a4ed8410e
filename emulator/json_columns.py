"""Filter and join JSON Lines by columns of text, where all lines are objects with the same flat members.

In:  a payload whose lines have the names of its first line, in that order, each with a text, a number, a
     boolean, null or an array of these. That they have is proven by one regular expression.
Out: the same documents as `emulator.json_processing` gives record by record, members written as they were
     read; or None where the lines or the filter are of another kind, for the slow way to take over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from contracts.json_text import json_string, text_bytes
from contracts.wire import JSON_OUTPUT_KEY

_SPACE = r"[ \t\r]*"
_NUMBER = r"-?(?:0|[1-9][0-9]{0,199})(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?"
"""Surely within 64-bit floats; what may be beyond them goes the slow way, which looks."""
_TEXT = r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-cA-CefEF][0-9a-fA-F]{3}))*"'
"""Any text but one with a written surrogate (`\\ud83d`), which may be half a character."""

_SINGLE = rf"(?:{_TEXT}|{_NUMBER}|null|true|false)"
_ARRAY = rf"\[{_SPACE}(?:{_SINGLE}{_SPACE}(?:,{_SPACE}{_SINGLE}{_SPACE})*)?\]"
_VALUE = rf"(?:{_SINGLE}|{_ARRAY})"
_MEMBER = rf'"[a-z]+"{_SPACE}:{_SPACE}{_VALUE}{_SPACE}'
_ANSWER = rf"\A(?:{_VALUE}|\{{{_SPACE}{_MEMBER}\}})\z"
"""A value, or an object with one member: with more, a name could stand there twice."""

MAX_MEMBERS = 16
"""An expression for more would be too large for the matcher, or slow."""

_ONE_NAME = re.compile(r"\$\.([A-Za-z][A-Za-z0-9-]*)|\$\['([^'\]]+)'\]")
_SEVERAL_NAMES = re.compile(r"\$\['[^'\]]+'(?:,'[^'\]]+')+\]")


class JsonColumns:
    """The members of a payload's objects, as text."""

    def __init__(self, members: dict[str, pa.Array]) -> None:
        """Take the JSON text of each member of each record, by name; see `read_columns`."""
        self._members = members

    def filtered(self, json_path: str) -> bytes | None:
        """Return the payload that an InputFilter gives, or None if it does not name one member."""
        match = _ONE_NAME.fullmatch(json_path)
        name = match and (match[1] or match[2])
        if not name or name not in self._members:
            return None
        return text_bytes(pc.binary_join_element_wise(self._members[name], "\n", ""))

    def joined(self, answer: bytes, json_path: str) -> bytes | None:
        """Return the joined output under an OutputFilter, or None if it is not the name of several members.

        None also where the answer is not one flat document for each record.
        """
        names = json_path[3:-2].split("','") if _SEVERAL_NAMES.fullmatch(json_path) else []
        if not names or JSON_OUTPUT_KEY in self._members or len(set(names)) < len(names):
            return None
        answers = _lines(answer)
        if answers is None or len(answers) != len(next(iter(self._members.values()))):
            return None
        if not pc.all(pc.match_substring_regex(answers, _ANSWER), min_count=0).as_py():
            return None
        parts = {**self._members, JSON_OUTPUT_KEY: answers}
        if not parts.keys() >= set(names):
            return None
        return text_bytes(_objects({name: parts[name] for name in names}))


def read_columns(payload: bytes) -> JsonColumns | None:
    """Return the members of the payload's objects, or None if its lines are not all of one flat kind."""
    lines = _lines(payload)
    names = _names_of(lines[0].as_py()) if lines is not None and len(lines) else []
    if lines is None or not names:
        return None
    members = f"{_SPACE},{_SPACE}".join(
        rf"{re.escape(json_string(name))}{_SPACE}:{_SPACE}(?P<member{number}>{_VALUE})"
        for number, name in enumerate(names)
    )
    found = pc.extract_regex(lines, rf"\A{_SPACE}\{{{_SPACE}{members}{_SPACE}\}}{_SPACE}\z")
    if found.null_count:
        return None
    return JsonColumns(dict(zip(names, found.flatten(), strict=True)))


def _names_of(line: str) -> Sequence[str]:
    """Return the names in an object; none if it is no object, has too many or a name would need escapes."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return []  # the slow way names the fault
    names = list(document) if isinstance(document, dict) else []
    is_plain = all(re.fullmatch(r"[A-Za-z0-9_ -]+", name) for name in names)
    return names if is_plain and len(names) <= MAX_MEMBERS else []


def _lines(body: bytes) -> pa.Array | None:
    try:
        text = pa.array([body.decode().removesuffix("\n")], pa.string())
    except UnicodeDecodeError:
        return None  # the slow way names the fault
    return pc.split_pattern(text, "\n").flatten() if body else text.slice(1)


def _objects(members: dict[str, pa.Array]) -> pa.Array:
    parts: list[str | pa.Array] = []
    for name, texts in members.items():
        parts += [("," if parts else "{") + json_string(name) + ":", texts]
    return pc.binary_join_element_wise(*parts, "}\n", "")
