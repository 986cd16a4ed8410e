"""What the contract says about the report: threshold, segments, drift limits, and whom to act on.

    scoring:
      report:                                 # all of it optional; these are the defaults
        threshold: 0.5                        # from this score on, a record counts as predicted positive
        segments: []                          # fields for each of whose values quality is shown too
        drift: {warning: 0.1, alarm: 0.25}    # PSI from which a feature, or the score, has drifted
        actionList: {count: 1000}             # or `fraction: 0.1`, of the scored records
          # perSegment: plan                  # so many (or such a part) of each value of this field
          # value: {field: monthly_charges, factor: 12, contactCost: 4}
          #                                   # by score x factor x the field's value - contactCost instead of
          #                                   # by score; records with less than 0 are not worth acting on

None of it changes a score, so none of it is in the contract's fingerprint. Reading and checking it is
`contracts.contract_report`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

DEFAULT_THRESHOLD = 0.5
DEFAULT_ACTION_COUNT = 1000
MAX_ACTION_COUNT = 1_000_000
"""Of one list, or of each segment's part; also the ceiling of what a fraction comes to."""


@dataclass(frozen=True, kw_only=True)
class DriftLimits:
    """From which PSI on a distribution has drifted; both inclusive, `warning` at most `alarm`.

    The defaults are the rule of thumb of credit scoring: below 0.1 little, above 0.25 a shift to act on.
    """

    warning: float = 0.1
    alarm: float = 0.25


@dataclass(frozen=True, kw_only=True)
class ActionValue:
    """What acting on a record is worth: score x factor x the field's value - contact_cost.

    Attributes:
        field: A numeric field of the contract.
        factor: Of the field's value, such as 12 for a year of monthly charges; above 0.
        contact_cost: Of acting on one record, in the unit of field x factor; at least 0.
    """

    field: str
    factor: float = 1.0
    contact_cost: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ActionListRules:
    """Who is put on the action list.

    Attributes:
        count: Records on the list, or None if `fraction` says how many.
        fraction: Part of the scored records, in (0, 1], or None.
        segment: Field for each of whose values there is a list of that size, or None for one list.
        value: By which the list is made, or None for the score.
    """

    count: int | None = DEFAULT_ACTION_COUNT
    fraction: float | None = None
    segment: str | None = None
    value: ActionValue | None = None


@dataclass(frozen=True, kw_only=True)
class ReportRules:
    """What the contract says about the report.

    Attributes:
        threshold: Score from which a record counts as predicted positive, inclusive.
        segments: Fields for each of whose values quality is shown too; text, boolean or integer.
        drift: See DriftLimits.
        action_list: See ActionListRules.
    """

    threshold: float = DEFAULT_THRESHOLD
    segments: tuple[str, ...] = ()
    drift: DriftLimits = field(default_factory=DriftLimits)
    action_list: ActionListRules = field(default_factory=ActionListRules)

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields that the report reads beside id and label, each once."""
        actions = self.action_list
        names = (*self.segments, actions.segment, actions.value.field if actions.value else None)
        return tuple(dict.fromkeys(name for name in names if name))
