"""Read one JSON record by Python's own parser: the way taken where the fast one refuses.

What is accepted, by type of the field (absent and `null` are missing, and so is every text that the contract
lists in `missingValues`):

| type            | JSON accepted                                                                         |
|-----------------|---------------------------------------------------------------------------------------|
| integer         | a number without fraction and exponent, within 64 bits; any other number whose 64-bit |
|                 | float is whole and below 2^53, such as `12.0`                                         |
| number          | a number whose nearest 64-bit float is finite; JSON knows one kind of number, which   |
|                 | is decimal text, and is read as in CSV                                                |
| boolean         | `true`, `false`                                                                       |
| date, datetime  | a string, in the forms that CSV has                                                   |
| string          | a string; a number without fraction and exponent, as its decimal text                 |

Anything else is a misfit: the record is `wrong_type`. A record that is not strict JSON (NaN is not), no
object, or names a field of the contract twice, is malformed. Keys that the contract does not name are
ignored.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from contracts.dataset import Field
from contracts.quarantine import ReasonCode
from preprocessing.csv_scan import StructureFault
from preprocessing.typed_columns import EXACT_FLOAT_LIMITS, MAX_VALUE_CHARS
from preprocessing.typed_values import INT64_LIMITS

_MAX_INT64_DIGITS = 20


class _IntegerText(str):
    """A JSON number without fraction and exponent."""

    __slots__ = ()


class _NumberText(str):
    """A JSON number with a fraction or an exponent."""

    __slots__ = ()


class _Keys(tuple[tuple[str, Any], ...]):
    """The keys and values of a JSON object, in order."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True)
class CarefulRecord:
    """The values of one record.

    Attributes:
        values: By field name, of the type that the module's table names; None where missing or a misfit.
        misfits: Values of another type by field name, as text for a message.
        names: All its keys.
        forms: By field name, how its value is written: `integer`, `fraction`, `text` or `other`.
    """

    values: dict[str, Any]
    misfits: dict[str, str]
    names: tuple[str, ...]
    forms: dict[str, str]


def read_json_record(
    raw: bytes, fields: Iterable[Field], missing_values: tuple[str, ...]
) -> CarefulRecord | StructureFault:
    """Read one record.

    Args:
        raw: Its bytes.
        fields: Of the contract.
        missing_values: Texts that mean "no value".
    """
    try:
        keys = _decoded(raw)
    except UnicodeDecodeError as error:
        message = f"is not UTF-8: byte 0x{raw[error.start]:02x} ({error.reason})"
        return StructureFault(reason=ReasonCode.INVALID_ENCODING, message=message)
    except RecursionError:
        return _malformed("is nested too deeply")
    except ValueError as error:
        return _malformed(f"is not JSON: {error}")
    if not isinstance(keys, _Keys):
        return _malformed("is JSON, but no object")
    return _record(keys, fields, missing_values)


def _decoded(raw: bytes) -> Any:
    return json.loads(
        raw.decode(),
        object_pairs_hook=_Keys,
        parse_int=_IntegerText,
        parse_float=_NumberText,
        parse_constant=_refuse_constant,
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value; write null for a missing number")


def _record(
    keys: _Keys, fields: Iterable[Field], missing_values: tuple[str, ...]
) -> CarefulRecord | StructureFault:
    found = dict(keys)
    names = tuple(name for name, _ in keys)
    values: dict[str, Any] = {}
    misfits: dict[str, str] = {}
    for field in fields:
        if len(found) < len(names) and names.count(field.name) > 1:
            return _malformed(f"names the field {field.name!r} twice")
        given = found.get(field.name)
        if isinstance(given, str) and not isinstance(given, (_IntegerText, _NumberText)):
            if not _is_unicode(given):
                message = f"{field.name}: half a surrogate pair is no character"
                return StructureFault(reason=ReasonCode.INVALID_ENCODING, message=message)
            given = None if given in missing_values else given
        values[field.name] = value = None if given is None else _value(given, field.type)
        if value is None and given is not None:
            misfits[field.name] = _shown(given)
    forms = {name: _form(value) for name, value in found.items() if value is not None}
    return CarefulRecord(values=values, misfits=misfits, names=names, forms=forms)


def _form(given: Any) -> str:
    if isinstance(given, _IntegerText):
        return "integer"
    if isinstance(given, _NumberText):
        return "fraction"
    return "text" if isinstance(given, str) else "other"


def _value(given: Any, kind: str) -> Any:
    """Return the value of a field of type `kind`, or None if `given` is a misfit."""
    if isinstance(given, _IntegerText):
        return _from_integer(given, kind)
    if isinstance(given, _NumberText):
        return _from_number(given, kind)
    is_fitting = isinstance(given, bool) if kind == "boolean" else isinstance(given, str)
    return given if is_fitting and kind not in ("integer", "number") else None


def _from_integer(text: _IntegerText, kind: str) -> Any:
    if kind == "string":
        return "0" if text == "-0" else str(text)
    if kind == "integer":
        value = int(text) if len(text) <= _MAX_INT64_DIGITS else None
        return value if value is not None and INT64_LIMITS[0] <= value <= INT64_LIMITS[1] else None
    return _from_number(_NumberText(text), kind)


def _from_number(text: _NumberText, kind: str) -> Any:
    value = float(text)
    if kind == "number":
        return value if math.isfinite(value) else None
    is_whole = kind == "integer" and value.is_integer() and abs(value) < EXACT_FLOAT_LIMITS[64]
    return int(value) if is_whole else None


def _shown(given: Any) -> str:
    """Return a value as JSON, shortened; of an object or an array no more than that it is one."""
    if isinstance(given, _Keys):
        return "{…}"
    if isinstance(given, list):
        return "[…]"
    if isinstance(given, (_IntegerText, _NumberText)):
        return given[: MAX_VALUE_CHARS + 1]
    if isinstance(given, str):
        quoted = json.dumps(given[: MAX_VALUE_CHARS + 1], ensure_ascii=False)
        return quoted if len(given) <= MAX_VALUE_CHARS else quoted[:-1]
    return json.dumps(given)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _malformed(message: str) -> StructureFault:
    return StructureFault(reason=ReasonCode.MALFORMED_RECORD, message=message)
