"""Set two runs side by side: what their ledgers say, and how their scores are distributed.

In:  two ledgers.
Out: rows of three texts (what, first, second) and how the second differs; the page; nothing is judged here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.ledger import RunLedger
from reporting.charts import draw
from reporting.page_engine import page_environment, spoken_seconds
from reporting.quality import METRIC_NAMES
from reporting.tables import DISTRIBUTION_PAIR, ChartTable, distribution_pair

COUNT_NAMES = {
    "read": "Records read",
    "valid": "Valid",
    "quarantined": "Held back",
    "scored": "Scored",
    "unscorable": "Unscorable",
}

PAIR_TITLE = "Score distributions"


@dataclass(frozen=True, kw_only=True)
class ComparedRow:
    """One fact of two runs.

    Attributes:
        group: What kind of fact.
        name: Of the fact.
        first: As the first run has it; a dash where it has none.
        second: As the second run has it.
        difference: Second minus first, or empty for a text and for what is the same.
        is_different: Whether the two differ.
    """

    group: str
    name: str
    first: str
    second: str
    difference: str = ""
    is_different: bool = False


def compare_runs(first: RunLedger, second: RunLedger) -> list[ComparedRow]:
    """Return every fact of two runs, those of what made the scores only where the runs differ."""
    return [
        *_numbers("Records", COUNT_NAMES, vars(first.counts), vars(second.counts), _count),
        *_numbers("Held back", _same_names(first.reason_counts, second.reason_counts),
                  first.reason_counts, second.reason_counts, _count),
        *_numbers("Model quality", METRIC_NAMES, first.quality, second.quality, _number),
        *_numbers("Scores", {"minimum": "Lowest", "mean": "Mean", "maximum": "Highest"},
                  _scores(first), _scores(second), _number),
        *_numbers("Time", {"run_seconds": "The whole run"}, first.timings, second.timings, spoken_seconds),
        *_texts(first, second),
    ]  # fmt: skip


def comparison_page(first: RunLedger, second: RunLedger) -> str:
    """Return the page that shows two runs side by side."""
    table = pair_table(first, second)
    figure = None
    if table is not None:
        reading = (
            f"The part of the records that has each score: run {second.run_id} as bars, "
            f"run {first.run_id} as a line."
        )
        figure = {"reading": reading, "svg": draw(table, title=PAIR_TITLE, description=reading)}
    groups: dict[str, list[ComparedRow]] = {}
    for row in compare_runs(first, second):
        groups.setdefault(row.group, []).append(row)
    return (
        page_environment()
        .get_template("comparison.html")
        .render(first=first, second=second, groups=groups, figure=figure, title=PAIR_TITLE)
    )


def pair_table(first: RunLedger, second: RunLedger) -> ChartTable | None:
    """Return the two runs' scores by bin, as fractions, or None where their bins are not the same."""
    one, other = _distribution(first), _distribution(second)
    columns = distribution_pair(one, other) if other else None
    return None if columns is None else ChartTable(name=DISTRIBUTION_PAIR, columns=columns)


def _distribution(ledger: RunLedger) -> dict[str, list[Any]]:
    facts = ledger.report
    return dict(facts["tables"].get(facts["scores"]["distribution"], {})) if facts else {}


def _scores(ledger: RunLedger) -> dict[str, Any]:
    return ledger.report["scores"] if ledger.report else {}


def _same_names(*counts: dict[str, int]) -> dict[str, str]:
    return {name: name for one in counts for name in one}


def _numbers(
    group: str, names: Mapping[str, str], first: dict[str, Any], second: dict[str, Any], shown: Any
) -> Iterator[ComparedRow]:
    for key, name in names.items():
        one, other = first.get(key), second.get(key)
        if one is None and other is None:
            continue
        difference = None if one is None or other is None else _difference(one, other)
        yield ComparedRow(
            group=group,
            name=name,
            first="–" if one is None else shown(one),
            second="–" if other is None else shown(other),
            difference=_signed(difference, shown) if difference else "",
            is_different=difference != 0,
        )


def _texts(first: RunLedger, second: RunLedger) -> Iterator[ComparedRow]:
    facts = [
        {
            "Model package": ledger.model_package_arn,
            "Contract fingerprint": ledger.contract_fingerprint,
            "Wire format": ledger.wire_format,
            **ledger.parameters,
        }
        for ledger in (first, second)
    ]
    for name in dict.fromkeys([*facts[0], *facts[1]]):
        values = [one.get(name, "–") or "empty" for one in facts]
        if values[0] != values[1]:
            yield ComparedRow(
                group="What made the scores", name=name, first=values[0], second=values[1], is_different=True
            )


def _difference(one: float, other: float) -> float:
    """Return other minus one; nothing where they differ by the order of a sum only."""
    return 0 if math.isclose(one, other, rel_tol=1e-12) else other - one


def _signed(difference: float, shown: Any) -> str:
    return f"{'+' if difference > 0 else '−'}{shown(abs(difference))}"


def _count(number: int) -> str:
    return f"{number:,}"


def _number(number: float) -> str:
    return f"{number:.6g}"
