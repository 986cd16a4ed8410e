"""Who to act on: the records at the top, by score or by what acting on them is worth.

The top N or top fraction of all scored records, or of each value of a field. Of records with the same value
those that stand first in the source come first. By worth, records below 0 are left out: acting on them costs
more than it brings. Exact for any number of records; of records only those of the list are ever in memory, at
most MAX_ACTION_COUNT of each.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.dataset import DatasetContract
from contracts.report_rules import MAX_ACTION_COUNT, ActionListRules
from contracts.value_histogram import ValueHistogram, add_histograms
from reporting.action_outcomes import ListOutcomes, list_outcomes
from reporting.action_values import ShardValues, gather_rising, nth_of_rising
from reporting.history import ACTION_IDS_FILE
from reporting.nth_values import Reached, nth_largest
from reporting.quality import Quality
from reporting.segments import MISSING, SegmentCodes

RANK, VALUE = "rank", "expected_value"
SHOWN_ROWS = 20
MAX_LISTED_SEGMENTS = 200
CAMPAIGN_SIZES = (100, 500, 1_000, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000)
CAMPAIGN_FRACTIONS = (0.01, 0.05, 0.1, 0.2)


@dataclass(frozen=True, kw_only=True)
class CampaignSize:
    """What a campaign of a fixed size asks for.

    Attributes:
        size: Records wanted.
        fraction: Of all records that can be listed.
        threshold: Value from which they are, inclusive.
        record_count: Records at or above it; more than `size` where values are the same.
    """

    size: int
    fraction: float
    threshold: float
    record_count: int


@dataclass(frozen=True, kw_only=True)
class ListedSegment:
    """One value of the segment field: how many are listed, and the lowest value among them."""

    name: str
    record_count: int
    lowest: float


@dataclass(frozen=True, kw_only=True)
class ListOverlap:
    """This list beside the last run's.

    Attributes:
        stayed: Ids on both.
        joined: Ids on this one only.
        left: Ids on the last one only.
    """

    stayed: int
    joined: int
    left: int


@dataclass(frozen=True, kw_only=True)
class ActionList:
    """The list, as the report shows it.

    Attributes:
        record_count: Records on it.
        rule: Who is on it, in words.
        basis: `score` or `expected value`.
        lowest: The lowest value on it, or None if it is empty.
        total_value: Sum of expected values on it, or None if it is by score.
        columns: Headings of `rows`.
        rows: Its first records, as text; of lists by segment the first of each.
        sizes: See CampaignSize.
        segments: See ListedSegment; empty for one list.
        outcomes: Of those on it whose outcome is known; None if there are none.
        overlap: With the last run's list, or None.
        notes: What could not be listed or compared, and why.
    """

    record_count: int
    rule: str
    basis: str
    lowest: float | None
    total_value: float | None
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    sizes: tuple[CampaignSize, ...]
    segments: tuple[ListedSegment, ...]
    outcomes: ListOutcomes | None
    overlap: ListOverlap | None
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MadeList:
    """The list with its records.

    Attributes:
        facts: As the report shows it.
        table: Its records: rank, id, score, what it was made by, kept columns; None if there is no list.
        id_name: Of the id's column.
    """

    facts: ActionList
    table: pa.Table | None
    id_name: str


RowReader = Callable[[int, np.ndarray], tuple[pa.Table, np.ndarray]]
"""Returns id, score and all needed columns of some records (rising positions) of a shard, by its number, and
their outcomes: float64 of shape (records,), NaN where not known."""


def no_list(reason: str) -> MadeList:
    """Return that there is no list, and why."""
    facts = ActionList(
        record_count=0,
        rule="",
        basis="score",
        lowest=None,
        total_value=None,
        columns=(),
        rows=(),
        sizes=(),
        segments=(),
        outcomes=None,
        overlap=None,
        notes=(reason,),
    )
    return MadeList(facts=facts, table=None, id_name="")


def make_list(
    shards: Sequence[ShardValues],
    contract: DatasetContract,
    codes: SegmentCodes | None,
    read_rows: RowReader,
    history: Path,
    quality: Quality,
) -> MadeList:
    """Choose who is on the list and read their records.

    Args:
        shards: In the order of the source.
        contract: Says the rules.
        codes: Of the segment field, if there is one.
        read_rows: Reads records of a shard.
        history: Holds the ids of the last run's list, if there was one.
        quality: Of all labelled records.
    """
    rules = contract.report.action_list
    histogram = add_histograms(*(shard.histogram for shard in shards))
    if not histogram.record_count:
        return no_list("No record has a score to be listed by.")
    if codes is not None and codes.is_too_many:
        return no_list(f"“{codes.name}” has too many different values for a list of each of them.")
    with ThreadPoolExecutor(os.cpu_count() or 1) as workers:
        wanted, reached = _wanted(shards, histogram, rules, codes, workers)
        table, known = _table(_chosen(shards, wanted, workers), shards, contract, read_rows, workers)
        if (listed := table.num_rows) and listed not in reached:
            reached |= nth_largest(shards, histogram, [listed], workers)
    overlap, overlap_note = _overlap(table.column(contract.id_field), history)
    notes = [*_notes(shards, rules, codes), *overlap_note]
    sizes = _sizes(reached, histogram.record_count, listed)
    return MadeList(
        facts=replace(
            _facts(table, contract, overlap, notes),
            sizes=tuple(sizes),
            outcomes=list_outcomes(table, known, rules.value, quality),
        ),
        table=table,
        id_name=contract.id_field,
    )


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """Who is wanted of each segment.

    Attributes:
        counts: Records at most, by number of the segment.
        thresholds: From which value on, by number of the segment; infinity where nobody is wanted.
        order: Rank of the segment on the list, by its number.
    """

    counts: np.ndarray
    thresholds: np.ndarray
    order: np.ndarray


@dataclass(frozen=True, kw_only=True)
class _Chosen:
    """Records of the list, in its order: shard, position in it, value, and rank in the segment from 1."""

    shard: np.ndarray
    position: np.ndarray
    value: np.ndarray
    rank: np.ndarray


def _wanted(
    shards: Sequence[ShardValues],
    histogram: ValueHistogram,
    rules: ActionListRules,
    codes: SegmentCodes | None,
    workers: Executor,
) -> tuple[_Wanted, dict[int, Reached]]:
    """Return who is wanted, and from which value on campaigns of the usual sizes would be."""
    available = histogram.record_count
    size = min(_size(rules, available), MAX_ACTION_COUNT)
    campaigns = _campaign_sizes(available)
    if codes is not None:
        return _wanted_by_segment(shards, rules, codes), nth_largest(shards, histogram, campaigns, workers)
    reached = nth_largest(shards, histogram, {*campaigns, size}, workers)
    threshold = reached[size].threshold if rules.value is None else max(reached[size].threshold, 0.0)
    wanted = _Wanted(counts=np.array([size]), thresholds=np.array([threshold]), order=np.zeros(1, np.int64))
    return wanted, reached


def _wanted_by_segment(shards: Sequence[ShardValues], rules: ActionListRules, codes: SegmentCodes) -> _Wanted:
    rising = gather_rising(shards, shards[0].place.with_name("all.rising"))
    names = {code: MISSING if value is None else value for value, code in codes.codes.items()}
    sizes = {code: sum(len(part) for part in rising.of_segment(code)) for code in names}
    listed = sorted((code for code in names if sizes[code]), key=lambda code: (-sizes[code], names[code]))
    listed = sorted(listed[:MAX_LISTED_SEGMENTS], key=lambda code: names[code])
    most = MAX_ACTION_COUNT // max(1, len(listed))
    counts, order = np.zeros(len(names), dtype=np.int64), np.zeros(len(names), dtype=np.int64)
    thresholds = np.full(len(names), np.inf)
    for place, code in enumerate(listed):
        counts[code], order[code] = min(_size(rules, sizes[code]), most), place
        threshold = nth_of_rising(rising.of_segment(code), int(counts[code]))
        thresholds[code] = threshold if rules.value is None else max(threshold, 0.0)
    return _Wanted(counts=counts, thresholds=thresholds, order=order)


def _size(rules: ActionListRules, available: int) -> int:
    wanted = rules.count if rules.count is not None else math.ceil((rules.fraction or 0) * available)
    return max(1, min(wanted, available))


def _chosen(shards: Sequence[ShardValues], wanted: _Wanted, workers: Executor) -> _Chosen:
    """Return who is at or above the threshold of the segment; of those at it, the first of the source."""
    parts = list(workers.map(functools.partial(_chosen_of, wanted=wanted), shards))
    numbers = np.repeat(np.arange(len(parts)), [len(positions) for positions, _, _ in parts])
    positions, values, segments = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((positions, numbers, -values, wanted.order[segments]))
    segments = segments[order]
    begins = np.flatnonzero(np.diff(segments, prepend=-1))
    ranks = np.arange(len(order)) - np.repeat(begins, np.diff(np.append(begins, len(order)))) + 1
    is_in = ranks <= wanted.counts[segments]
    order = order[is_in]
    return _Chosen(shard=numbers[order], position=positions[order], value=values[order], rank=ranks[is_in])


def _chosen_of(shard: ShardValues, wanted: _Wanted) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return position, value and segment of who may be chosen of one shard."""
    values, segments = shard.values, shard.segments
    if segments is not None:
        positions = np.flatnonzero(values >= wanted.thresholds[segments])
        return positions, values[positions], segments[positions]
    threshold, most = wanted.thresholds[0], int(wanted.counts[0])
    positions = np.flatnonzero(values >= threshold)
    if len(positions) > most:  # most of them at the threshold, where only the first can be
        is_above = values[positions] > threshold
        positions = np.sort(np.concatenate((positions[is_above], positions[~is_above][:most])))
    return positions, values[positions], np.zeros(len(positions), dtype=np.int32)


def _table(
    chosen: _Chosen,
    shards: Sequence[ShardValues],
    contract: DatasetContract,
    read_rows: RowReader,
    workers: Executor,
) -> tuple[pa.Table, np.ndarray]:
    """Return the records of the list, and their outcomes, NaN where not known."""
    order = np.lexsort((chosen.position, chosen.shard))
    numbers, positions = chosen.shard[order], chosen.position[order]
    bounds = np.searchsorted(numbers, np.arange(len(shards) + 1))
    wanted = [
        (number, positions[begin:end])
        for number, (begin, end) in enumerate(itertools.pairwise(bounds))
        if begin < end
    ]
    parts = list(workers.map(lambda one: read_rows(*one), wanted))
    back = np.empty(len(order), dtype=np.int64)
    back[order] = np.arange(len(order))
    parts = parts or [read_rows(0, np.empty(0, dtype=np.int64))]
    records = pa.concat_tables([records for records, _ in parts]).take(pa.array(back))
    columns = {_free_name(RANK, records.column_names): pa.array(chosen.rank)}
    columns |= {name: records.column(name) for name in records.column_names}
    if contract.report.action_list.value is not None:
        columns[_free_name(VALUE, records.column_names)] = pa.array(chosen.value)
    return pa.table(columns), np.concatenate([known for _, known in parts])[back]


def _free_name(name: str, taken: Sequence[str]) -> str:
    """Return the name, with `action_` before it if a field of the contract is called so."""
    return name if name not in taken else f"action_{name}"


def _facts(
    table: pa.Table,
    contract: DatasetContract,
    overlap: ListOverlap | None,
    notes: Sequence[str],
) -> ActionList:
    rules = contract.report.action_list
    by_value = rules.value is not None
    name = _free_name(VALUE, [field.name for field in contract.fields]) if by_value else "score"
    values = np.asarray(table.column(name), dtype=np.float64)
    segments = tuple(_segments(table, values, rules))
    shown = _shown(table, len(segments))
    return ActionList(
        record_count=table.num_rows,
        rule=_rule(rules),
        basis="expected value" if by_value else "score",
        lowest=float(values.min()) if len(values) else None,
        total_value=float(values.sum()) if by_value else None,
        columns=tuple(table.column_names),
        rows=tuple(tuple(_cell(value) for value in row.values()) for row in shown.to_pylist()),
        sizes=(),
        segments=segments,
        outcomes=None,
        overlap=overlap,
        notes=tuple(notes),
    )


def _shown(table: pa.Table, segment_count: int) -> pa.Table:
    """Return the first records; of lists by segment the first of each, so that none is hidden by another."""
    most = max(1, SHOWN_ROWS // max(1, segment_count))
    ranks = table.column(0)
    return table.filter(pc.less_equal(ranks, most)).slice(0, SHOWN_ROWS)


def _rule(rules: ActionListRules) -> str:
    size = (
        f"{rules.count:,} records"
        if rules.count is not None
        else f"{100 * (rules.fraction or 0):.6g}% of the records"
    )
    where = f" of each value of “{rules.segment}”" if rules.segment else ""
    if rules.value is None:
        return f"The {size}{where} with the highest scores"
    worth = f"score × {rules.value.factor:g} × “{rules.value.field}”"
    cost = f" − {rules.value.contact_cost:g}" if rules.value.contact_cost else ""
    return f"The {size}{where} with the highest expected value ({worth}{cost}), none below 0"


def _cell(value: object) -> str:
    if value is None:
        return "–"
    text = f"{value:,.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _campaign_sizes(available: int) -> set[int]:
    sizes = {size for size in CAMPAIGN_SIZES if size <= available}
    return sizes | {math.ceil(fraction * available) for fraction in CAMPAIGN_FRACTIONS}


def _sizes(reached: Mapping[int, Reached], available: int, listed: int) -> Iterator[CampaignSize]:
    wanted = _campaign_sizes(available) | ({listed} if listed else set())
    for size in sorted(wanted):
        yield CampaignSize(
            size=size,
            fraction=size / available,
            threshold=reached[size].threshold,
            record_count=reached[size].record_count,
        )


def _segments(table: pa.Table, values: np.ndarray, rules: ActionListRules) -> Iterator[ListedSegment]:
    if rules.segment is None:
        return
    names = pc.fill_null(table.column(rules.segment).cast(pa.string()), MISSING).to_numpy(
        zero_copy_only=False
    )
    for name in dict.fromkeys(names.tolist()):
        own = values[names == name]
        yield ListedSegment(name=str(name), record_count=len(own), lowest=float(own.min()))


def _notes(
    shards: Sequence[ShardValues], rules: ActionListRules, codes: SegmentCodes | None
) -> Iterator[str]:
    unvalued = sum(shard.unvalued_count for shard in shards)
    if unvalued and rules.value is not None:
        yield f"{unvalued:,} scored records have no “{rules.value.field}”, so they could not be listed."
    if codes is not None and len(codes.codes) > MAX_LISTED_SEGMENTS:
        yield (
            f"“{codes.name}” has {len(codes.codes):,} different values; the {MAX_LISTED_SEGMENTS} with "
            "the most records have a list."
        )
    available = sum(shard.valued_count for shard in shards)
    if codes is None and rules.value is None and available < (rules.count or 0):
        yield "There are fewer scored records than the list may have, so all of them are on it."


def _overlap(ids: pa.ChunkedArray, history: Path) -> tuple[ListOverlap | None, list[str]]:
    path = next(iter(sorted(history.rglob(ACTION_IDS_FILE))), None)
    if path is None:
        return None, ["The last run left no action list to compare with."]
    try:
        before = pq.read_table(path).column("id")
        if before.type != ids.type:
            before = before.cast(ids.type)
    except (OSError, KeyError, pa.ArrowException) as error:
        return None, [f"The last run's action list cannot be compared: {' '.join(str(error).split())}."]
    stayed = int(pc.sum(pc.is_in(ids, value_set=before.combine_chunks())).as_py() or 0)
    return ListOverlap(stayed=stayed, joined=len(ids) - stayed, left=len(before) - stayed), []
