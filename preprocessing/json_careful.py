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
| date, datetime, | a string, in the forms that CSV has                                                   |
| binary          |                                                                                       |
| string          | a string; a number without fraction and exponent, as its decimal text                 |
| list            | an array of strings of at least one character; a string, in the form that CSV has     |

Anything else is a misfit: the record is `wrong_type`. A record that is not strict JSON (NaN is not), no
object, or names a field of the contract twice, is malformed. Keys that the contract does not name are
ignored.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from contracts.dataset import LIST_TYPE, Field
from contracts.quarantine import ReasonCode
from preprocessing.list_values import broken_item, split_items
from preprocessing.records import StructureFault, malformed
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
        keys: All its keys and their values, in order.
    """

    values: dict[str, Any]
    misfits: dict[str, str]
    keys: _Keys

    @property
    def names(self) -> tuple[str, ...]:
        """All its keys, in order."""
        return tuple(name for name, _ in self.keys)

    def forms(self) -> dict[str, str]:
        """Return by key how its value is written: `integer`, `fraction`, `text`, `array` or `other`."""
        return {name: _FORMS.get(type(value), "other") for name, value in self.keys}


_FORMS: dict[type, str] = {_IntegerText: "integer", _NumberText: "fraction", str: "text", list: "array"}


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
        keys = _DECODER.decode(raw.decode())
    except UnicodeDecodeError as error:
        message = f"is not UTF-8: byte 0x{raw[error.start]:02x} ({error.reason})"
        return StructureFault(reason=ReasonCode.INVALID_ENCODING, message=message)
    except RecursionError:
        return malformed("is nested too deeply")
    except ValueError as error:
        return malformed(f"is not JSON: {error}")
    if not isinstance(keys, _Keys):
        return malformed("is JSON, but no object")
    return _record(keys, fields, missing_values)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value; write null for a missing number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Keys, parse_int=_IntegerText, parse_float=_NumberText, parse_constant=_refuse_constant
)


def _record(
    keys: _Keys, fields: Iterable[Field], missing_values: tuple[str, ...]
) -> CarefulRecord | StructureFault:
    found = dict(keys)
    values: dict[str, Any] = {}
    misfits: dict[str, str] = {}
    for field in fields:
        name, value = field.name, None
        if len(found) < len(keys) and [key for key, _ in keys].count(name) > 1:
            return malformed(f"names the field {name!r} twice")
        given = found.get(name)
        is_text = type(given) is str
        if not all(map(_is_unicode, _texts_of(given, field))):
            message = f"{name}: half a surrogate pair is no character"
            return StructureFault(reason=ReasonCode.INVALID_ENCODING, message=message)
        if given is not None and not (is_text and given in missing_values):
            value = _converted(given, field)
            if value is None:
                is_listed = field.type == LIST_TYPE and isinstance(given, list)
                misfits[name] = _shown_array(given) if is_listed else _shown(given)
        values[name] = value
    return CarefulRecord(values=values, misfits=misfits, keys=keys)


def _texts_of(given: Any, field: Field) -> list[str]:
    """Return the texts of a value whose characters matter."""
    given = given if field.type == LIST_TYPE and isinstance(given, list) else [given]
    return [text for text in given if type(text) is str]


def _converted(given: Any, field: Field) -> Any:
    """Return a value that is not missing as the field's type has it; None if it is a misfit."""
    if field.type == LIST_TYPE and type(given) is str:
        return split_items(given, field.delimiter)
    convert = _CONVERSIONS[field.type].get(type(given))
    return None if convert is None else convert(given)


def _items(given: list[Any]) -> list[str] | None:
    return given if all(map(_is_item, given)) else None


def _is_item(item: Any) -> bool:
    return type(item) is str and item != ""


def _integer(text: str) -> int | None:
    value = int(text) if len(text) <= _MAX_INT64_DIGITS else None
    return value if value is not None and INT64_LIMITS[0] <= value <= INT64_LIMITS[1] else None


def _whole_number(text: str) -> int | None:
    value = float(text)
    is_whole = abs(value) < EXACT_FLOAT_LIMITS[64] and value.is_integer()
    return int(value) if is_whole else None


def _number(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _decimal_text(text: str) -> str:
    return "0" if text == "-0" else str(text)


def _itself(given: Any) -> Any:
    return given


_CONVERSIONS: dict[str, dict[type, Callable[[Any], Any]]] = {
    "integer": {_IntegerText: _integer, _NumberText: _whole_number},
    "number": {_IntegerText: _number, _NumberText: _number},
    "boolean": {bool: _itself},
    "date": {str: _itself},
    "datetime": {str: _itself},
    "binary": {str: _itself},
    "string": {str: _itself, _IntegerText: _decimal_text},
    LIST_TYPE: {list: _items},
}
"""By type of the field and of the value: what turns one into the other, or gives None."""


def _shown_array(given: list[Any]) -> str:
    """Say which item of an array is the first that none of a list can be."""
    at = next(index for index, item in enumerate(given) if not _is_item(item))
    return broken_item(at + 1, _shown(given[at]))


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
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
