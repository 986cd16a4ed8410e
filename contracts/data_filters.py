"""Check the JSONPath filters of a transform job, while the definition is built and when a job is emulated.

CreateTransformJob takes any text of at most 63 characters; a filter that Batch Transform cannot apply
fails the job after its instances have been paid for. The rules come from "Associate Prediction Results
with Input Records" in the SageMaker developer guide: `$`, `.name`, `*`, `['a','b']`, `[1,3]`, `[-1]` and
`[2:5]`; one range a filter; no `_` in a JSON name; index paths only for CSV.
"""

from __future__ import annotations

import re

from contracts.errors import CallerError
from contracts.wire import CSV_CONTENT_TYPE, WireFormat

MAX_FILTER_CHARS = 63
"""The `JsonPath` shape of the CreateTransformJob API."""

_RANGE = r"-?\d*:-?\d*"
_INDEX = rf"(?:{_RANGE}|-?\d+)"
_INDEX_STEP = rf"\[{_INDEX}(?:,{_INDEX})*\]"
_NAME = r"'[^'\]]+'"
_NAME_STEP = rf"\.[A-Za-z][A-Za-z0-9_-]*|\.\*|\[\*\]|\.?\[{_NAME}(?:,{_NAME})*\]"
_CSV_FILTER = re.compile(rf"\$(?:{_INDEX_STEP})?")
_JSON_FILTER = re.compile(rf"\$(?:{_INDEX_STEP}|{_NAME_STEP})*")


def check_filters(wire: WireFormat) -> None:
    """Check both filters of a wire format.

    Raises:
        CallerError: One cannot be applied; all problems are told at once.
    """
    named = {"InputFilter": wire.input_filter, "OutputFilter": wire.output_filter}
    problems = [
        f"wire format {wire.name}: {name} {text!r} {problem}"
        for name, text in named.items()
        if text is not None
        for problem in filter_problems(text, content_type=wire.content_type)
    ]
    if problems:
        raise CallerError("; ".join(problems))


def filter_problems(text: str, *, content_type: str) -> list[str]:
    """Return what is wrong with one filter, each as a clause that continues the filter's name."""
    problems = []
    if len(text) > MAX_FILTER_CHARS:
        problems.append(f"has {len(text)} characters, at most {MAX_FILTER_CHARS} are allowed")
    range_count = len(re.findall(_RANGE, _without_names(text)))
    if range_count > 1:
        problems.append(f"has {range_count} ranges, one is allowed; write the other as single indexes")
    if "_" in text:
        problems.append("has a JSON name with '_', which Batch Transform rejects; rename the field")
    grammar, allowed = _grammar(content_type)
    if not grammar.fullmatch(text):
        problems.append(f"is not a filter that Batch Transform knows; expected {allowed}")
    return problems


def _without_names(text: str) -> str:
    """Drop quoted names, whose colons are no ranges."""
    return re.sub(_NAME, "", text)


def _grammar(content_type: str) -> tuple[re.Pattern[str], str]:
    if content_type == CSV_CONTENT_TYPE:
        return _CSV_FILTER, "'$' and one index path such as '$[1:]' or '$[0,-1]', for CSV has no names"
    return _JSON_FILTER, "'$', then '.name', '.*', '[0,-1]', '[2:5]' or \"['a','b']\""
