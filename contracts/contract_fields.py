"""The part of a contract below `fields`: names, types, constraints, categories.

Each function adds what is wrong to a list of faults and returns something of the right type, so that all
faults of a contract are found in one reading.
"""

from __future__ import annotations

import datetime as dt
import difflib
import sys
from collections import Counter
from typing import Any

from contracts.dataset import BINARY_TYPE, FIELD_TYPES, ITEM_DELIMITER, LIST_TYPE, Constraints, Field
from contracts.errors import near_matches
from contracts.plan import PLACE_COLUMNS

_FIELD_KEYS = {"name", "type", "title", "description", "constraints", "categories", "format", "example"}
_LIST_KEYS = {"itemType", "delimiter"}
_CONSTRAINT_KEYS = {
    "required": bool,
    "unique": bool,
    "minimum": None,
    "maximum": None,
    "enum": list,
    "pattern": str,
    "minLength": int,
    "maxLength": int,
}
_VALUE_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "date": (dt.date,),
    "datetime": (dt.datetime,),
}
_BINARY_CONSTRAINTS = ("required", "unique", "minLength", "maxLength")
"""Of these `unique` is refused elsewhere, as for every field but the primary key."""
_LIST_CONSTRAINTS = ("required", "minLength", "maxLength")
_MAX_DELIMITER_CHARS = 8
_NEAR_RATIO = 0.75
"""How like a constraint a key must be: a misspelling, but no `patterns` for `description`."""


def read_fields(document: Any, faults: list[str]) -> tuple[Field, ...]:
    """Return the fields that can be read, in the order of the contract."""
    if not isinstance(document, list) or not document:
        faults.append("`fields` must be a list with at least one field")
        return ()
    fields = []
    for number, entry in enumerate(document, start=1):
        built = _field(entry, f"field {number}", faults)
        if built is not None:
            fields.append(built)
    counts = Counter(entry.name for entry in fields)
    for name in sorted(name for name, count in counts.items() if count > 1):
        faults.append(f"field {name!r} is there more than once")
    faults += [f"field {name!r} has a reserved name" for name in counts if name in PLACE_COLUMNS]
    return tuple(fields)


def _field(document: Any, where: str, faults: list[str]) -> Field | None:
    if not isinstance(document, dict) or not isinstance(document.get("name"), str) or not document["name"]:
        faults.append(f"{where} needs a `name` that is text (quote it if YAML reads it as something else)")
        return None
    name = document["name"]
    where = f"field {name!r}"
    misplaced = _note_misplaced(document, where, faults)
    known = {key: value for key, value in document.items() if key not in misplaced}
    check_keys(known, _FIELD_KEYS | _LIST_KEYS, where, faults)
    kind = document.get("type", "string")
    if kind not in FIELD_TYPES:
        faults.append(f"{where} has the type {kind!r}; {near_matches(str(kind), FIELD_TYPES)}")
        return Field(name=name, type="string")
    kind = _with_format(kind, document.get("format", "default"), where, faults)
    categories: tuple[str, ...] = ()
    if "categories" in document:
        if kind != "string":
            faults.append(f"{where} has `categories`, which only a string field may have, but is {kind}")
        categories = read_texts(document["categories"], f"{where}: `categories`", faults)
    return Field(
        name=name,
        type=kind,
        description=read_description(document, where, faults),
        constraints=_constraints(document.get("constraints", {}), kind, where, faults),
        categories=categories,
        delimiter=_item_delimiter(document, kind, where, faults),
    )


def _note_misplaced(document: dict[Any, Any], where: str, faults: list[str]) -> list[Any]:
    """Return the keys that are constraints, or nearly, but stand in the field itself."""
    misplaced = []
    for key in document:
        near = difflib.get_close_matches(str(key), _CONSTRAINT_KEYS, n=1, cutoff=_NEAR_RATIO)
        if key not in _FIELD_KEYS | _LIST_KEYS and near:
            misplaced.append(key)
            faults.append(f"{where} has the unknown key {key!r}; `{near[0]}` belongs under `constraints`")
    return misplaced


def _with_format(kind: str, form: Any, where: str, faults: list[str]) -> str:
    """Return the type that a field's `type` and `format` come to."""
    if kind == "string" and form == "binary":
        return BINARY_TYPE
    if form != "default":
        faults.append(
            f"{where} has the format {form!r}; only `default` is supported, and `binary` for string fields"
        )
    return kind


def _item_delimiter(document: dict[Any, Any], kind: str, where: str, faults: list[str]) -> str:
    """Return what stands between the items of a list; check `itemType` too."""
    if kind != LIST_TYPE:
        faults += [
            f"{where} has `{key}`, which only a list field may have, but is {kind}"
            for key in sorted(_LIST_KEYS.intersection(document))
        ]
        return ITEM_DELIMITER
    item_type = document.get("itemType", "string")
    if item_type != "string":
        faults.append(f"{where}: `itemType` is {item_type!r}; only `string` is supported")
    delimiter = document.get("delimiter", ITEM_DELIMITER)
    if not isinstance(delimiter, str) or not 1 <= len(delimiter) <= _MAX_DELIMITER_CHARS:
        faults.append(
            f"{where}: `delimiter` is {delimiter!r}; expected text of 1 to {_MAX_DELIMITER_CHARS} characters"
        )
        return ITEM_DELIMITER
    return delimiter


def _constraints(document: Any, kind: str, where: str, faults: list[str]) -> Constraints:
    if not isinstance(document, dict):
        faults.append(f"{where}: `constraints` must be a mapping")
        return Constraints()
    check_keys(document, set(_CONSTRAINT_KEYS), f"{where}: `constraints`", faults)
    before = len(faults)
    for key, expected in _CONSTRAINT_KEYS.items():
        value = document.get(key)
        if value is not None and expected is not None and type(value) is not expected:
            faults.append(f"{where}: `{key}` is {value!r}; expected {expected.__name__}")
    if len(faults) > before:
        return Constraints()
    document = _list_rules(document, where, faults) if kind == LIST_TYPE else document
    _text_rules(document, kind, where, faults)
    if kind == BINARY_TYPE and len(faults) > before:
        return Constraints()
    values = {
        key: read_value(document.get(key), kind, f"{where}: `{key}`", faults)
        for key in ("minimum", "maximum")
    }
    enum = tuple(read_value(value, kind, f"{where}: `enum`", faults) for value in document.get("enum") or ())
    if len(faults) == before and None not in values.values() and values["minimum"] > values["maximum"]:
        faults.append(f"{where}: `minimum` {values['minimum']} is above `maximum` {values['maximum']}")
    return Constraints(
        required=document.get("required", False),
        unique=document.get("unique", False),
        minimum=values["minimum"],
        maximum=values["maximum"],
        enum=enum,
        pattern=document.get("pattern"),
        min_length=document.get("minLength"),
        max_length=document.get("maxLength"),
    )


def _list_rules(document: dict[str, Any], where: str, faults: list[str]) -> dict[str, Any]:
    """Return the constraints that a list may have; note the others."""
    faults += [
        f"{where}: `{key}` is not for list fields; valid: {', '.join(_LIST_CONSTRAINTS)}"
        for key in document
        if key in _CONSTRAINT_KEYS and key not in _LIST_CONSTRAINTS
    ]
    return {key: value for key, value in document.items() if key in _LIST_CONSTRAINTS}


def _text_rules(document: dict[str, Any], kind: str, where: str, faults: list[str]) -> None:
    if kind == BINARY_TYPE:
        unfit = [key for key in document if key not in _BINARY_CONSTRAINTS]
        faults += [f"{where}: `{key}` is not for binary fields" for key in unfit]
    for key in ("pattern", "minLength", "maxLength"):
        if key in document and kind not in ("string", BINARY_TYPE, LIST_TYPE):
            faults.append(f"{where}: `{key}` is for string fields, but the field is {kind}")
    unfit = [key for key in ("minimum", "maximum") if key in document and kind in ("string", "boolean")]
    faults += [f"{where}: `{key}` is not for {kind} fields" for key in unfit]
    shortest, longest = document.get("minLength") or 0, document.get("maxLength")
    longest = sys.maxsize if longest is None else longest
    if not 0 <= shortest <= longest:
        faults.append(f"{where}: `minLength` {shortest} and `maxLength` {longest} let nothing through")
    if None in (document.get("enum") or ()):
        faults.append(f"{where}: `enum` has an empty value; leave it out, a missing value is no value")


def read_value(document: Any, kind: str, where: str, faults: list[str]) -> Any:
    """Return the value if it is of the field's type; dates may also be ISO 8601 text, moments are UTC.

    A number becomes a float, as it is in the column that it is compared with.
    """
    value = document
    if value is None:
        return None
    if kind in ("date", "datetime") and isinstance(value, str):
        value = _moment(value, kind)
    fault = _value_fault(value, kind)
    if fault:
        faults.append(f"{where} has {document!r} ({type(document).__name__}); {fault}")
        return None
    if isinstance(value, dt.datetime) and value.tzinfo is None:
        return value.replace(tzinfo=dt.timezone.utc)
    return float(value) if kind == "number" else value


def _moment(text: str, kind: str) -> Any:
    """Return the date or moment that ISO 8601 text says, or the text if it says none."""
    try:
        if kind == "date":
            return dt.date.fromisoformat(text)
        return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return text


def _value_fault(value: Any, kind: str) -> str:
    """Say why `value` is none of the field's type; an empty text if it is one."""
    is_other_kind = (isinstance(value, bool) and kind != "boolean") or (
        isinstance(value, dt.datetime) and kind == "date"
    )
    is_of_kind = isinstance(value, _VALUE_TYPES[kind]) and not is_other_kind
    if not is_of_kind:
        remedy = "; quote it, YAML reads it as something else" if kind == "string" else ""
        return f"expected {kind}{remedy}"
    if kind == "integer" and not -(2**63) <= value < 2**63:
        return "expected an integer of at most 64 bits"
    if kind == "number" and not abs(value) <= sys.float_info.max:
        return "expected a finite number"
    return ""


def read_description(document: dict[Any, Any], where: str, faults: list[str]) -> str:
    """Return the description, which must be text; empty if there is none."""
    description = document.get("description", "")
    if isinstance(description, str):
        return description
    faults.append(f"{where}: `description` must be text")
    return ""


def read_texts(document: Any, where: str, faults: list[str]) -> tuple[str, ...]:
    """Return a list of different texts."""
    if not isinstance(document, list):
        faults.append(f"{where} must be a list of texts")
        return ()
    for value in document:
        if not isinstance(value, str):
            faults.append(f"{where} has {value!r} ({type(value).__name__}); expected text: quote it")
            return ()
    if len(set(document)) != len(document):
        faults.append(f"{where} names a value twice")
    return tuple(document)


def check_keys(document: dict[Any, Any], known: set[str], where: str, faults: list[str]) -> None:
    """Note every key that is not known, with near matches."""
    for key in document:
        if key not in known:
            faults.append(f"{where} has the unknown key {key!r}; {near_matches(str(key), known)}")
