"""Read the part of a contract below `scoring.report`; `contracts.report_rules` says what may stand there."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from contracts.contract_fields import check_keys, read_texts
from contracts.dataset import Field
from contracts.errors import near_matches
from contracts.report_rules import MAX_ACTION_COUNT, ActionListRules, ActionValue, DriftLimits, ReportRules

SEGMENT_TYPES = ("string", "boolean", "integer")
VALUE_TYPES = ("integer", "number")

_KEYS = {"threshold", "segments", "drift", "actionList"}
_DRIFT_KEYS = {"warning", "alarm"}
_ACTION_KEYS = {"count", "fraction", "perSegment", "value"}
_VALUE_KEYS = {"field", "factor", "contactCost"}
_WHERE = "`scoring.report`"


def read_report_rules(
    document: Any, fields: Iterable[Field], reserved: tuple[str | None, ...], faults: list[str]
) -> ReportRules:
    """Return what the contract says about the report, with the defaults for what is not said or wrong.

    Args:
        document: What stands under `scoring.report`, or None.
        fields: Of the contract.
        reserved: Names of id and label, which nothing is grouped or valued by.
        faults: Gets a sentence for everything that is wrong.
    """
    if document is None:
        return ReportRules()
    if not isinstance(document, dict):
        faults.append(f"{_WHERE} must be a mapping with {', '.join(sorted(_KEYS))}")
        return ReportRules()
    check_keys(document, _KEYS, _WHERE, faults)
    types = {entry.name: entry.type for entry in fields if entry.name not in reserved}
    segments = document.get("segments")
    names = read_texts(segments, "`scoring.report.segments`", faults) if segments is not None else ()
    return ReportRules(
        threshold=_number(document, "threshold", ReportRules().threshold, _WHERE, faults),
        segments=tuple(_field(name, types, SEGMENT_TYPES, f"{_WHERE}: `segments`", faults) for name in names),
        drift=_drift(document.get("drift"), faults),
        action_list=_action_list(document.get("actionList"), types, faults),
    )


def _drift(document: Any, faults: list[str]) -> DriftLimits:
    where, usual = "`scoring.report.drift`", DriftLimits()
    if not _is_mapping(document, _DRIFT_KEYS, where, faults):
        return usual
    warning = _number(document, "warning", usual.warning, where, faults)
    alarm = _number(document, "alarm", max(usual.alarm, warning), where, faults)
    if not 0 < warning <= alarm:
        faults.append(f"{where}: `warning` {warning} and `alarm` {alarm}: expected 0 < warning <= alarm")
        return usual
    return DriftLimits(warning=warning, alarm=alarm)


def _action_list(document: Any, types: Mapping[str, str], faults: list[str]) -> ActionListRules:
    where = "`scoring.report.actionList`"
    if not _is_mapping(document, _ACTION_KEYS, where, faults):
        return ActionListRules()
    count, fraction, segment = (document.get(key) for key in ("count", "fraction", "perSegment"))
    if count is not None and fraction is not None:
        faults.append(f"{where} has `count` and `fraction`; give one of them")
    if count is not None and (type(count) is not int or not 1 <= count <= MAX_ACTION_COUNT):
        faults.append(f"{where}: `count` is {count!r}; expected a whole number from 1 to {MAX_ACTION_COUNT}")
        count = None
    if fraction is not None:
        fraction = _number(document, "fraction", 1.0, where, faults)
        if not 0 < fraction <= 1:
            faults.append(f"{where}: `fraction` is {fraction}; expected more than 0 and at most 1")
    if segment is not None:
        segment = _field(segment, types, SEGMENT_TYPES, f"{where}: `perSegment`", faults)
    usual = ActionListRules().count if fraction is None else None
    return ActionListRules(
        count=usual if count is None else count,
        fraction=fraction,
        segment=segment,
        value=_value(document.get("value"), types, f"{where}: `value`", faults),
    )


def _value(document: Any, types: Mapping[str, str], where: str, faults: list[str]) -> ActionValue | None:
    if not _is_mapping(document, _VALUE_KEYS, where, faults):
        return None
    name = _field(document.get("field"), types, VALUE_TYPES, f"{where}: `field`", faults)
    factor = _number(document, "factor", 1.0, where, faults)
    cost = _number(document, "contactCost", 0.0, where, faults)
    if factor <= 0 or cost < 0:
        faults.append(
            f"{where}: `factor` {factor} and `contactCost` {cost}: expected factor > 0 and contactCost >= 0"
        )
    return ActionValue(field=name, factor=factor, contact_cost=cost)


def _is_mapping(document: Any, keys: set[str], where: str, faults: list[str]) -> bool:
    if document is None:
        return False
    if not isinstance(document, dict):
        faults.append(f"{where} must be a mapping with {', '.join(sorted(keys))}")
        return False
    check_keys(document, keys, where, faults)
    return True


def _number(document: Mapping[str, Any], key: str, usual: float, where: str, faults: list[str]) -> float:
    value = document.get(key, usual)
    if type(value) not in (int, float) or not math.isfinite(value):
        faults.append(f"{where}: `{key}` is {value!r}; expected a number")
        return usual
    return float(value)


def _field(name: Any, types: Mapping[str, str], valid: tuple[str, ...], where: str, faults: list[str]) -> str:
    if name not in types:
        faults.append(
            f"{where} names {name!r}, which is no field that can stand here; "
            f"{near_matches(str(name), [known for known, kind in types.items() if kind in valid])}"
        )
    elif types[name] not in valid:
        faults.append(f"{where} names {name!r}, which is a {types[name]}; expected {', '.join(valid)}")
    return str(name)
