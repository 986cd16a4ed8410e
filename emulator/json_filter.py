"""Apply one JSONPath filter to one JSON document, as Batch Transform does.

`$` is the whole document; `.name` and `['name']` a child, `['a','b']` an object with these children, also
with a dot before the bracket; `[1]` and `[-1]` an element, `[1,3]` and `[2:5]` an array of elements; `*` in
place of a name or an index an array of all children. After an array of several, the rest of the path is
applied to each. A name that an object lacks and an index out of range are errors
[doc: "Associate Prediction Results with Input Records"].
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from contracts.data_filters import filter_problems
from contracts.errors import CallerError, bounded
from contracts.wire import JSON_LINES_CONTENT_TYPE

MAX_NAMES_TOLD_CHARS = 120

Filter = Callable[[Any], Any]

_STEP = re.compile(
    r"\.(?P<name>[^.\[*]+)|(?P<all>\.\*|\[\*\])|\.?\[(?P<names>'[^\]]*')\]|\[(?P<indexes>[^\]']+)\]"
)


class DocumentFilterError(CallerError):
    """A filter does not fit a document: the object that it is in fails."""


def compiled_filter(json_path: str) -> Filter:
    """Return the function that applies a filter.

    Raises:
        DocumentFilterError: It is no filter that Batch Transform knows. The function raises it for a document
            that the filter does not fit.
    """
    problems = filter_problems(json_path, content_type=JSON_LINES_CONTENT_TYPE)
    if problems:
        raise DocumentFilterError(f"filter {json_path!r} {'; '.join(problems)}")
    chosen: Filter = _whole
    for step in reversed(list(_STEP.finditer(json_path))):
        chosen = _step_filter(step, chosen, json_path)
    return chosen


def _whole(document: Any) -> Any:
    return document


def _step_filter(step: re.Match[str], rest: Filter, json_path: str) -> Filter:
    """Return what one step and all that follow it do to a document."""
    if step["all"]:
        return lambda document: [rest(child) for child in _children(document, json_path)]
    if step["indexes"]:
        return _index_filter(step["indexes"].split(","), rest, json_path)
    names = [step["name"]] if step["name"] else step["names"][1:-1].split("','")
    if len(names) == 1:
        return lambda document: rest(_child(document, names[0], json_path))
    if rest is not _whole:
        raise DocumentFilterError(f"filter {json_path!r} goes on after several names; they must come last")
    return lambda document: {name: _child(document, name, json_path) for name in names}


def _index_filter(parts: Sequence[str], rest: Filter, json_path: str) -> Filter:
    if len(parts) == 1 and ":" not in parts[0]:
        return lambda document: rest(_element(document, int(parts[0]), json_path))
    return lambda document: [rest(one) for part in parts for one in _elements(document, part, json_path)]


def _elements(document: Any, part: str, json_path: str) -> list[Any]:
    if ":" not in part:
        return [_element(document, int(part), json_path)]
    start, stop = (int(text) if text else None for text in part.split(":"))
    return list(_array(document, json_path)[start:stop])


def _element(document: Any, index: int, json_path: str) -> Any:
    array = _array(document, json_path)
    if not -len(array) <= index < len(array):
        raise DocumentFilterError(
            f"{json_path!r}: index {index} is out of range, the array has {len(array)} elements"
        )
    return array[index]


def _array(document: Any, json_path: str) -> list[Any]:
    if not isinstance(document, list):
        raise DocumentFilterError(f"{json_path!r} takes an element of what is {_kind(document)}")
    return document


def _child(document: Any, name: str, json_path: str) -> Any:
    if not isinstance(document, dict):
        raise DocumentFilterError(f"{json_path!r} takes {name!r} of what is {_kind(document)}")
    if name not in document:
        found = bounded(", ".join(map(repr, document)) or "no names", MAX_NAMES_TOLD_CHARS)
        raise DocumentFilterError(f"{json_path!r}: the object has no {name!r}; it has {found}")
    return document[name]


def _children(document: Any, json_path: str) -> list[Any]:
    if isinstance(document, dict):
        return list(document.values())
    return _array(document, json_path)


def _kind(document: Any) -> str:
    if isinstance(document, dict):
        return "an object"
    return "an array" if isinstance(document, list) else "no array and no object"
