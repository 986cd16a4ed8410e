"""Read a dataset contract from YAML or JSON, and name everything that is wrong with it at once.

YAML turns unquoted `Yes`, `No`, `on` and `2024-01-31` into booleans and dates; where the contract expects
text, that is reported with the remedy (quote it) and never coerced.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from contracts.contract_dialect import read_dialect
from contracts.contract_fields import check_keys, read_description, read_fields, read_texts, read_value
from contracts.contract_images import read_image_rules
from contracts.contract_model_input import check_features
from contracts.contract_outputs import check_published_names, read_outputs
from contracts.contract_report import read_report_rules
from contracts.dataset import (
    BINARY_TYPE,
    DUPLICATE_ID_POLICIES,
    LIST_TYPE,
    MODEL_INPUTS,
    UNSEEN_CATEGORY_POLICIES,
    DatasetContract,
    Field,
)
from contracts.errors import CallerError, near_matches

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Makes nothing but plain values; written in C where PyYAML was built with it, which is ten times faster."""

MAX_CONTRACT_BYTES = 4 * 1024 * 1024

_TOP_KEYS = {
    "fields",
    "primaryKey",
    "missingValues",
    "dialect",
    "scoring",
    "description",
    "title",
    "name",
    "$schema",
}
_SCORING_KEYS = {
    "features",
    "modelInput",
    "image",
    "label",
    "positiveLabel",
    "unseenCategory",
    "duplicateIds",
    "outputs",
    "topK",
    "exclude",
    "report",
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


def parse_contract(content: bytes, *, name: str, is_trusted: bool = True) -> DatasetContract:
    """Parse and check a contract.

    Args:
        content: YAML or JSON.
        name: Stands before each fault in the message.
        is_trusted: Otherwise only JSON is taken: a few bytes of YAML can stand for gigabytes of values.

    Raises:
        CallerError: As for `read_contract`.
    """
    if len(content) > MAX_CONTRACT_BYTES:
        raise CallerError(f"{name}: a contract may be at most {MAX_CONTRACT_BYTES} bytes long")
    try:
        # The YAML loader is a safe one.
        document = yaml.load(content, Loader=_LOADER) if is_trusted else json.loads(content)  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CallerError(f"{name}: is neither YAML nor JSON: {_syntax_fault(error)}") from error
    faults: list[str] = []
    contract = _build(document, faults)
    if faults or contract is None:
        raise CallerError(f"{name}: the contract is wrong: " + "; ".join(faults))
    return contract


def _syntax_fault(error: Exception) -> str:
    """Return what is wrong, and on which line: YAML's own message names its input, which has no name here."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        context = f" {error.context}" if error.context else ""
        if error.context_mark is not None and error.context_mark.line != mark.line:
            context += f" that begins on line {error.context_mark.line + 1}"
        return _one_line(f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}{context}")
    if isinstance(error, yaml.reader.ReaderError):
        return _one_line(f"{error.reason} at position {error.position}")
    return _one_line(str(error))


def whole_value_pattern(pattern: str) -> str:
    """Return the regular expression that matches a text if `pattern` matches the whole of it."""
    return rf"\A(?:{pattern})\z"


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
        pattern = entry.constraints.pattern or ""
        try:  # as it stands too: `a)|(b` is a fault that disappears in brackets
            pc.match_substring_regex(pa.array([""]), pattern)
            pc.match_substring_regex(pa.array([""]), whole_value_pattern(pattern))
        except pa.ArrowInvalid as error:
            told = _one_line(str(error))
            faults.append(f"field {entry.name!r}: `pattern` is no regular expression in RE2 syntax: {told}")
    if faults:
        raise CallerError(f"{name}: the contract is wrong: " + "; ".join(faults))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _build(document: Any, faults: list[str]) -> DatasetContract | None:
    if not isinstance(document, dict):
        faults.append("expected a mapping with `fields`, `primaryKey` and `scoring`")
        return None
    check_keys(document, _TOP_KEYS, "the contract", faults)
    fields = read_fields(document.get("fields"), faults)
    names = [entry.name for entry in fields]
    scoring = document.get("scoring")
    if not isinstance(scoring, dict):
        faults.append("`scoring` is missing: say which fields are `features`")
        scoring = {}
    check_keys(scoring, _SCORING_KEYS, "`scoring`", faults)
    id_field = _one_value(
        _id_field(document.get("primaryKey"), names, faults), fields, "the primary key", faults
    )
    label = _known_name(scoring.get("label"), names, "`scoring.label`", faults)
    label = _one_value(label, fields, "the label", faults)
    model_input = _policy(scoring, "modelInput", MODEL_INPUTS, faults)
    features = _features(scoring.get("features"), fields, {id_field, label}, faults)
    check_features(
        [entry for name in features for entry in fields if entry.name == name], model_input, faults
    )
    unseen_category = _policy(scoring, "unseenCategory", UNSEEN_CATEGORY_POLICIES, faults)
    duplicate_ids = _policy(scoring, "duplicateIds", DUPLICATE_ID_POLICIES, faults)
    _check_unique(fields, id_field, faults)
    _check_binary(fields, (id_field, label), faults)
    missing_values = read_texts(document.get("missingValues", [""]), "`missingValues`", faults)
    description = read_description(document, "the contract", faults)
    outputs = read_outputs(scoring, fields, faults)
    check_published_names(outputs, id_field, faults)
    positive_label = _positive_label(scoring, fields, label, faults)
    image = read_image_rules(scoring.get("image"), model_input, faults)
    report = read_report_rules(scoring.get("report"), fields, (id_field, label), faults)
    dialect = read_dialect(document.get("dialect", {}), faults)
    if faults:
        return None
    return DatasetContract(
        fields=fields,
        id_field=id_field,
        missing_values=missing_values,
        features=features,
        model_input=model_input,
        image=image,
        label=label or None,
        positive_label=positive_label,
        unseen_category=unseen_category,
        duplicate_ids=duplicate_ids,
        outputs=outputs,
        dialect=dialect,
        report=report,
        description=description,
    )


def _policy(scoring: dict[str, Any], key: str, valid: tuple[str, ...], faults: list[str]) -> str:
    """Return what `scoring` says under `key`; the first valid policy if it says nothing, or is wrong."""
    policy = scoring.get(key, valid[0])
    if policy not in valid:
        faults.append(f"`scoring.{key}` is {policy!r}; valid: {', '.join(valid)}")
        return valid[0]
    return str(policy)


def _check_unique(fields: tuple[Field, ...], id_field: str, faults: list[str]) -> None:
    for entry in fields:
        if entry.constraints.unique and entry.name != id_field:
            faults.append(
                f"field {entry.name!r} is `unique`, which is checked for the primary key only; leave it out"
            )


def _check_binary(fields: tuple[Field, ...], reserved: tuple[str, str], faults: list[str]) -> None:
    for entry in fields:
        if entry.type == BINARY_TYPE and entry.name in reserved:
            faults.append(f"field {entry.name!r} is binary, which neither a primary key nor a label may be")


def _one_value(name: str, fields: tuple[Field, ...], what: str, faults: list[str]) -> str:
    """Return `name`, or an empty text if that field is a list."""
    if any(entry.name == name and entry.type == LIST_TYPE for entry in fields):
        faults.append(f"{what} {name!r} is a list; expected a field with one value a record")
        return ""
    return name


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
    features = read_texts(document, "`scoring.features`", faults)
    if not features and isinstance(document, list):
        faults.append("`scoring.features` must name at least one field")
    names = [entry.name for entry in fields]
    for name in features:
        _known_name(name, names, "`scoring.features`", faults)
        if name in reserved:
            faults.append(f"feature {name!r} is the label or the primary key, which no model may read")
    return features


def _positive_label(scoring: dict[str, Any], fields: tuple[Field, ...], label: str, faults: list[str]) -> Any:
    value = scoring.get("positiveLabel")
    if scoring.get("outputs") is not None:
        if value is not None:
            faults.append(
                "`scoring.positiveLabel` is what one score predicts, but the model has several `outputs`; "
                "leave it out"
            )
        return None
    if not label:
        if value is not None and scoring.get("label") is None:
            faults.append("`scoring.positiveLabel` is given without `scoring.label`")
        return None
    kind = next(entry.type for entry in fields if entry.name == label)
    if value is None and kind in ("string", "date", "datetime"):
        faults.append(
            f"label {label!r} is a {kind}: say with `scoring.positiveLabel` which value counts as 1"
        )
    positive = read_value(value, kind, "`scoring.positiveLabel`", faults)
    enum = next(entry.constraints.enum for entry in fields if entry.name == label)
    if positive is not None and enum and positive not in enum:
        near = near_matches(str(positive), map(str, enum)) if kind == "string" else ""
        valid = "valid: " + ", ".join(repr(allowed) for allowed in enum)
        remedy = near if near.startswith("did you mean") else valid
        faults.append(f"`scoring.positiveLabel` is {value!r}, which no label has; {remedy}")
    return positive
