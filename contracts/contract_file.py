"""Read a dataset contract from YAML or JSON, and name everything that is wrong with it at once.

YAML turns unquoted `Yes`, `No`, `on` and `2024-01-31` into booleans and dates; where the contract expects
text, that is reported with the remedy (quote it) and never coerced.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Any

import yaml

from contracts.dataset import (
    FEATURE_TYPES,
    FIELD_TYPES,
    UNSEEN_CATEGORY_POLICIES,
    Constraints,
    DatasetContract,
    Field,
)
from contracts.errors import CallerError, near_matches

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Makes nothing but plain values; written in C where PyYAML was built with it, which is ten times faster."""

MAX_CONTRACT_BYTES = 4 * 1024 * 1024

_FIELD_KEYS = {"name", "type", "title", "description", "constraints", "categories", "format", "example"}
_TOP_KEYS = {"fields", "primaryKey", "missingValues", "scoring", "description", "title", "name", "$schema"}
_SCORING_KEYS = {"features", "label", "positiveLabel", "unseenCategory"}
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


def read_contract(path: Path) -> DatasetContract:
    """Read and check the contract at `path`.

    Raises:
        CallerError: The file cannot be read, is not YAML or JSON, or breaks a rule; every fault is named.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_CONTRACT_BYTES + 1)
    except OSError as error:
        raise CallerError(f"{path}: cannot read the contract: {error.strerror}") from error
    return parse_contract(content, name=str(path))


def parse_contract(content: bytes, *, name: str) -> DatasetContract:
    """Parse and check a contract; `name` stands before each fault in the message.

    Raises:
        CallerError: As for `read_contract`.
    """
    if len(content) > MAX_CONTRACT_BYTES:
        raise CallerError(f"{name}: a contract may be at most {MAX_CONTRACT_BYTES} bytes long")
    try:
        document = yaml.load(content, Loader=_LOADER)  # noqa: S506 - it is a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CallerError(f"{name}: is neither YAML nor JSON: {_one_line(error)}") from error
    faults: list[str] = []
    contract = _build(document, faults)
    if faults or contract is None:
        raise CallerError(f"{name}: the contract is wrong: " + "; ".join(faults))
    return contract


def check_patterns(contract: DatasetContract, *, name: str) -> None:
    """Check that the regular expressions are ones that validation can use: RE2 syntax.

    Not part of reading a contract, because the engine takes a quarter of a second to import: whoever
    makes or applies a contract checks them, whoever only compares it need not.

    Raises:
        CallerError: One is not; `name` stands before each fault in the message.
    """
    import pyarrow as pa  # noqa: PLC0415 - see above
    import pyarrow.compute as pc  # noqa: PLC0415 - see above

    faults = []
    for entry in contract.fields:
        try:
            pc.match_substring_regex(pa.array([""]), entry.constraints.pattern or "")
        except pa.ArrowInvalid as error:
            faults.append(
                f"field {entry.name!r}: `pattern` is no regular expression in RE2 syntax: {_one_line(error)}"
            )
    if faults:
        raise CallerError(f"{name}: the contract is wrong: " + "; ".join(faults))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _build(document: Any, faults: list[str]) -> DatasetContract | None:
    if not isinstance(document, dict):
        faults.append("expected a mapping with `fields`, `primaryKey` and `scoring`")
        return None
    _unknown_keys(document, _TOP_KEYS, "the contract", faults)
    fields = _fields(document.get("fields"), faults)
    names = [entry.name for entry in fields]
    scoring = document.get("scoring")
    if not isinstance(scoring, dict):
        faults.append("`scoring` is missing: say which fields are `features`")
        scoring = {}
    _unknown_keys(scoring, _SCORING_KEYS, "`scoring`", faults)
    id_field = _id_field(document.get("primaryKey"), names, faults)
    label = _known_name(scoring.get("label"), names, "`scoring.label`", faults)
    features = _features(scoring.get("features"), fields, {id_field, label}, faults)
    policy = scoring.get("unseenCategory", "quarantine")
    if policy not in UNSEEN_CATEGORY_POLICIES:
        faults.append(f"`scoring.unseenCategory` is {policy!r}; valid: {', '.join(UNSEEN_CATEGORY_POLICIES)}")
    missing_values = _texts(document.get("missingValues", [""]), "`missingValues`", faults)
    positive_label = _positive_label(scoring.get("positiveLabel"), fields, label, faults)
    if faults:
        return None
    return DatasetContract(
        fields=fields,
        id_field=id_field,
        missing_values=missing_values,
        features=features,
        label=label or None,
        positive_label=positive_label,
        unseen_category=policy,
        description=str(document.get("description", "")),
    )


def _unknown_keys(document: dict[Any, Any], known: set[str], where: str, faults: list[str]) -> None:
    for key in document:
        if key not in known:
            faults.append(f"{where} has the unknown key {key!r}; {near_matches(str(key), known)}")


def _fields(document: Any, faults: list[str]) -> tuple[Field, ...]:
    if not isinstance(document, list) or not document:
        faults.append("`fields` must be a list with at least one field")
        return ()
    fields = []
    for number, entry in enumerate(document, start=1):
        built = _field(entry, f"field {number}", faults)
        if built is not None:
            fields.append(built)
    names = [entry.name for entry in fields]
    for name in sorted({name for name in names if names.count(name) > 1}):
        faults.append(f"field {name!r} is there more than once")
    return tuple(fields)


def _field(document: Any, where: str, faults: list[str]) -> Field | None:
    if not isinstance(document, dict) or not isinstance(document.get("name"), str) or not document["name"]:
        faults.append(f"{where} needs a `name` that is text (quote it if YAML reads it as something else)")
        return None
    name = document["name"]
    where = f"field {name!r}"
    _unknown_keys(document, _FIELD_KEYS, where, faults)
    kind = document.get("type", "string")
    if kind not in FIELD_TYPES:
        faults.append(f"{where} has the type {kind!r}; {near_matches(str(kind), FIELD_TYPES)}")
        return Field(name=name, type="string")
    if document.get("format", "default") != "default":
        faults.append(f"{where} has the format {document['format']!r}; only `default` is supported")
    categories: tuple[str, ...] = ()
    if "categories" in document:
        if kind != "string":
            faults.append(f"{where} has `categories`, which only a string field may have, but is {kind}")
        categories = _texts(document["categories"], f"{where}: `categories`", faults)
    return Field(
        name=name,
        type=kind,
        description=str(document.get("description", "")),
        constraints=_constraints(document.get("constraints", {}), kind, where, faults),
        categories=categories,
    )


def _constraints(document: Any, kind: str, where: str, faults: list[str]) -> Constraints:
    if not isinstance(document, dict):
        faults.append(f"{where}: `constraints` must be a mapping")
        return Constraints()
    _unknown_keys(document, set(_CONSTRAINT_KEYS), f"{where}: `constraints`", faults)
    before = len(faults)
    for key, expected in _CONSTRAINT_KEYS.items():
        value = document.get(key)
        if value is not None and expected is not None and type(value) is not expected:
            faults.append(f"{where}: `{key}` is {value!r}; expected {expected.__name__}")
    if len(faults) > before:
        return Constraints()
    _text_rules(document, kind, where, faults)
    values = {
        key: _value(document.get(key), kind, f"{where}: `{key}`", faults) for key in ("minimum", "maximum")
    }
    enum = tuple(_value(value, kind, f"{where}: `enum`", faults) for value in document.get("enum") or ())
    if len(faults) == before and None not in values.values() and values["minimum"] > values["maximum"]:
        faults.append(f"{where}: `minimum` {values['minimum']} is above `maximum` {values['maximum']}")
    return Constraints(
        required=document.get("required", False),
        minimum=values["minimum"],
        maximum=values["maximum"],
        enum=enum,
        pattern=document.get("pattern"),
        min_length=document.get("minLength"),
        max_length=document.get("maxLength"),
    )


def _text_rules(document: dict[str, Any], kind: str, where: str, faults: list[str]) -> None:
    for key in ("pattern", "minLength", "maxLength"):
        if key in document and kind != "string":
            faults.append(f"{where}: `{key}` is for string fields, but the field is {kind}")
    for key in ("minimum", "maximum"):
        if key in document and kind in ("string", "boolean"):
            faults.append(f"{where}: `{key}` is not for {kind} fields")
    shortest, longest = document.get("minLength", 0), document.get("maxLength", sys.maxsize)
    if not 0 <= shortest <= longest:
        faults.append(f"{where}: `minLength` {shortest} and `maxLength` {longest} let nothing through")
    if None in (document.get("enum") or ()):
        faults.append(f"{where}: `enum` has an empty value; leave it out, a missing value is no value")


def _value(document: Any, kind: str, where: str, faults: list[str]) -> Any:
    """Return the value if it is of the field's type; dates may also be ISO 8601 text, moments are UTC."""
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
    return value


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


def _texts(document: Any, where: str, faults: list[str]) -> tuple[str, ...]:
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


def _known_name(name: Any, names: list[str], where: str, faults: list[str]) -> str:
    """Return `name` if a field is called so; an empty text if it is not given, or wrong."""
    if name is None:
        return ""
    if name not in names:
        faults.append(f"{where} names {name!r}, which is no field; {near_matches(str(name), names)}")
        return ""
    return str(name)


def _id_field(document: Any, names: list[str], faults: list[str]) -> str:
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    if not isinstance(document, str):
        faults.append("`primaryKey` must name the one field that identifies a record")
        return ""
    return _known_name(document, names, "`primaryKey`", faults)


def _features(
    document: Any, fields: tuple[Field, ...], reserved: set[str], faults: list[str]
) -> tuple[str, ...]:
    features = _texts(document, "`scoring.features`", faults)
    if not features and isinstance(document, list):
        faults.append("`scoring.features` must name at least one field")
    by_name = {entry.name: entry for entry in fields}
    for name in features:
        if not _known_name(name, list(by_name), "`scoring.features`", faults):
            continue
        entry = by_name[name]
        if name in reserved:
            faults.append(f"feature {name!r} is the label or the primary key, which no model may read")
        if entry.type not in FEATURE_TYPES:
            faults.append(f"feature {name!r} is a {entry.type}; a feature is {', '.join(FEATURE_TYPES)}")
        if entry.type == "string" and not entry.categories:
            faults.append(f"feature {name!r} is text: give its `categories`, in the order of their codes")
    return features


def _positive_label(value: Any, fields: tuple[Field, ...], label: str, faults: list[str]) -> Any:
    if not label:
        if value is not None:
            faults.append("`scoring.positiveLabel` is given without `scoring.label`")
        return None
    kind = next(entry.type for entry in fields if entry.name == label)
    if value is None and kind in ("string", "date", "datetime"):
        faults.append(
            f"label {label!r} is a {kind}: say with `scoring.positiveLabel` which value counts as 1"
        )
    return _value(value, kind, "`scoring.positiveLabel`", faults)
