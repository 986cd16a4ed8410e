"""The rules of a contract, written once more: as conditions in DuckDB's SQL.

The tests ask them of columns of text, as a second opinion; `readers.duckdb_typed` of what DuckDB has typed
itself. It takes more texts for values than a contract does; FORMS says how a value must be written.
"""

from __future__ import annotations

from typing import Any

from contracts.dataset import DatasetContract, Field

TYPES = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "datetime": "TIMESTAMPTZ",
}
FORMS = {
    "integer": "[+-]?[0-9]+",
    "number": r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?",
    "boolean": "true|True|TRUE|1|false|False|FALSE|0",
    "date": "[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "datetime": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
    "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?",
}
BOUNDS = {
    "number": ("-1.7976931348623157e308", "1.7976931348623157e308"),
    "date": ("0001-01-01", "9999-12-31"),
    "datetime": ("0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00"),
}
"""Of what can be a value at all."""

FLOAT32_LIMIT = "340282346638528859811704183484516925440"


def broken_rules(
    entry: Field, contract: DatasetContract, wire_name: str, *, are_typed: bool = False
) -> list[tuple[str, str]]:
    """Return reason code and SQL condition of each rule of a field, in the order in which they count.

    Args:
        entry: Whose column, of the same name, is asked.
        contract: Of the field.
        wire_name: The wire format of the shards.
        are_typed: The columns are of TYPES already; else they are text, and their types are rules too.
    """
    text = f'"{entry.name}"'
    value = text if are_typed else f"TRY_CAST({text} AS {TYPES[entry.type]})"
    return [
        *_presence_rules(entry, contract, text),
        *([] if are_typed else _type_rules(entry, text, value)),
        *_value_rules(entry, text, value),
        *_scoring_rules(entry, contract, wire_name, text, value),
    ]


def first_broken_rule(contract: DatasetContract, wire_name: str, *, are_typed: bool = False) -> str:
    """Return the SQL expression of the first rule that a record breaks, null for a valid one."""
    cases = [
        f"WHEN {condition} THEN '{reason}'"
        for entry in contract.fields
        for reason, condition in broken_rules(entry, contract, wire_name, are_typed=are_typed)
    ]
    return f"CASE {' '.join(cases)} END"


def _presence_rules(entry: Field, contract: DatasetContract, text: str) -> list[tuple[str, str]]:
    is_required = entry.constraints.required and entry.name != contract.label
    is_needed = is_required or entry.name == contract.id_field
    return [("missing_required", f"{text} IS NULL")] if is_needed else []


def _type_rules(entry: Field, text: str, value: str) -> list[tuple[str, str]]:
    if entry.type == "string":
        return []
    conditions = [f"{value} IS NULL", f"NOT regexp_full_match({text}, {literal(FORMS[entry.type])})"]
    if entry.type in BOUNDS:
        lowest, highest = (literal(bound, entry.type) for bound in BOUNDS[entry.type])
        conditions.append(f"{value} NOT BETWEEN {lowest} AND {highest}")
    return [("wrong_type", f"{text} IS NOT NULL AND ({' OR '.join(conditions)})")]


def _value_rules(entry: Field, text: str, value: str) -> list[tuple[str, str]]:
    rules = entry.constraints
    found = []
    if rules.minimum is not None:
        found.append(("below_minimum", f"{value} < {literal(rules.minimum, entry.type)}"))
    if rules.maximum is not None:
        found.append(("above_maximum", f"{value} > {literal(rules.maximum, entry.type)}"))
    if rules.enum:
        allowed = ", ".join(literal(one, entry.type) for one in rules.enum)
        found.append(("not_in_enum", f"{value} NOT IN ({allowed})"))
    if rules.pattern is not None:
        found.append(("pattern_mismatch", f"NOT regexp_full_match({text}, {literal(rules.pattern)})"))
    if rules.min_length is not None:
        found.append(("too_short", f"length({text}) < {rules.min_length}"))
    if rules.max_length is not None:
        found.append(("too_long", f"length({text}) > {rules.max_length}"))
    return found


def _scoring_rules(
    entry: Field, contract: DatasetContract, wire_name: str, text: str, value: str
) -> list[tuple[str, str]]:
    found = []
    if entry.name in contract.features and entry.type == "number":
        found.append(("wrong_type", f"abs({value}) > {literal(FLOAT32_LIMIT, 'number')}"))
    if entry.name in contract.features and entry.categories and contract.unseen_category == "quarantine":
        seen = ", ".join(literal(one) for one in entry.categories)
        found.append(("unseen_category", f"{text} NOT IN ({seen})"))
    if wire_name == "csv" and entry.name == contract.id_field:
        found.append(("unsafe_id", rf"regexp_matches({text}, '[\r\n\x00]')"))
    return found


def literal(value: Any, kind: str = "string") -> str:
    """Return a value of a contract's type in SQL."""
    escaped = str(value).replace("'", "''")
    return f"CAST('{escaped}' AS {TYPES[kind]})"
