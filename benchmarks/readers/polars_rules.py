"""The rules of the benchmarks' contract as expressions of Polars."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from contracts.contract_file import whole_value_pattern
from contracts.dataset import DatasetContract, Field

TYPES = {"string": pl.String, "integer": pl.Int64, "number": pl.Float64}


def first_broken_rule(contract: DatasetContract, *, are_typed: bool) -> pl.Expr:
    """Return the first rule that a record breaks, null for a valid one; as text, or typed already."""
    rule = pl.when(False).then(pl.lit(None, pl.String))
    for entry in contract.fields:
        for reason, is_broken in _broken_rules(entry, are_typed=are_typed):
            rule = rule.when(is_broken).then(pl.lit(reason))
    return rule.otherwise(None).alias("reason")


def _broken_rules(entry: Field, *, are_typed: bool) -> Iterator[tuple[str, pl.Expr]]:
    rules, text = entry.constraints, pl.col(entry.name)
    value = text if are_typed else text.cast(TYPES[entry.type], strict=False)
    if rules.required:
        yield "missing_required", text.is_null()
    if not are_typed and entry.type != "string":
        yield "wrong_type", text.is_not_null() & value.is_null()
    if rules.minimum is not None:
        yield "below_minimum", value < rules.minimum
    if rules.maximum is not None:
        yield "above_maximum", value > rules.maximum
    if rules.pattern is not None:
        yield "pattern_mismatch", ~text.str.contains(whole_value_pattern(rules.pattern))
    if entry.categories:
        yield "unseen_category", ~text.is_in(list(entry.categories))


def other_missing_texts(contract: DatasetContract) -> list[str] | None:
    """Return the texts for a missing value beside the empty one, which Polars takes for one by itself."""
    return [text for text in contract.missing_values if text] or None


def reason_counts(customers: pl.LazyFrame, rule: pl.Expr) -> dict[str | None, int]:
    """Read and check everything; return how many records break each rule first, none under None."""
    counts = customers.select(rule).group_by("reason").len().collect(engine="streaming")
    return dict(counts.iter_rows())
