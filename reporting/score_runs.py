"""Keep the scores of all labelled records in the order of their scores, on disk, in bounded memory.

Each shard writes a run: its distinct scores from the highest to the lowest, with how many records have each
and what their labels come to. Runs are read side by side in blocks, from the highest score of all to the
lowest; a score never stands in two blocks, so that ties are seen as ties, and a run holds each score once, so
that no block is large because of them.

    run      files `score` (float64), `record_count` (int64), `label_sum` (float64), `group` (int32), which
             hold nothing but their numbers

One file is open at a time, and only what is in a block is read, so that neither the number of shards nor that
of their records meets a limit on open files or on memory.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

MAX_BLOCK_ENTRIES = 1_000_000
"""Entries of all runs together that are looked at in one go; for one score, one more of each run."""

_PARTS = MappingProxyType(
    {"score": np.float64, "record_count": np.int64, "label_sum": np.float64, "group": np.int32}
)


@dataclass(frozen=True, kw_only=True)
class ScoreBlock:
    """Entries of some runs, by group and then from the highest score to the lowest, each pair once.

    Attributes:
        scores: float64 of shape (entries,).
        record_counts: int64 of the same shape: records with that score.
        label_sums: float64 of the same shape: sum of their labels.
        groups: int32 of the same shape.
    """

    scores: np.ndarray
    record_counts: np.ndarray
    label_sums: np.ndarray
    groups: np.ndarray

    def by_group(self) -> Iterator[tuple[int, ScoreBlock]]:
        """Yield each group that is there, with its entries."""
        if not len(self.groups):
            return
        bounds = [0, *(np.flatnonzero(np.diff(self.groups)) + 1).tolist(), len(self.groups)]
        for begin, end in itertools.pairwise(bounds):
            part = slice(begin, end)
            yield (
                int(self.groups[begin]),
                ScoreBlock(
                    scores=self.scores[part],
                    record_counts=self.record_counts[part],
                    label_sums=self.label_sums[part],
                    groups=self.groups[part],
                ),
            )


def write_run(folder: Path, scores: np.ndarray, labels: np.ndarray, groups: np.ndarray | None = None) -> None:
    """Write the run of one shard into a folder of its own, which is made.

    Args:
        folder: Of this run alone.
        scores: Finite float64 of shape (records,).
        labels: Finite float64 of the same shape.
        groups: int32 of the same shape, 0 or more; all in one group if not given.
    """
    groups = np.zeros(len(scores), dtype=np.int32) if groups is None else groups.astype(np.int32)
    block = _collapsed(scores, np.ones(len(scores), dtype=np.int64), labels, groups, score_first=True)
    folder.mkdir(parents=True)
    for name, values in zip(_PARTS, _columns(block), strict=True):
        values.tofile(folder / name)


def ranked_blocks(folders: Sequence[Path], *, most: int = MAX_BLOCK_ENTRIES) -> Iterator[ScoreBlock]:
    """Yield all runs together, block by block, from the highest score to the lowest.

    Args:
        folders: Of the runs.
        most: About so many entries a block.
    """
    runs = [folder for folder in folders if (folder / "score").stat().st_size]
    cuts = _cuts(runs, most)
    bounds = [_positions(run, cuts) for run in runs]
    for number in range(len(cuts) + 1):
        parts = [_entries(run, *at[number : number + 2]) for run, at in zip(runs, bounds, strict=True)]
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        if columns and len(columns[0]):
            yield _collapsed(*columns, score_first=False)


def _cuts(runs: Sequence[Path], most: int) -> np.ndarray:
    """Return falling scores between which all runs together have about `most` entries."""
    total = sum(len(_rising_scores(run)) for run in runs)
    count = -(-total // most) - 1 if total else 0
    if count <= 0:
        return np.empty(0)
    step = max(1, most // (8 * len(runs)))
    samples = np.sort(np.concatenate([np.array(_rising_scores(run)[::step]) for run in runs]))
    positions = np.linspace(0, len(samples) - 1, count + 2)[1:-1].astype(np.intp)
    return np.unique(samples[positions])[::-1]


def _positions(run: Path, cuts: np.ndarray) -> list[int]:
    """Return where in a run each block begins, and where the last one ends."""
    rising = _rising_scores(run)
    return [0, *(len(rising) - np.searchsorted(rising, cuts)).tolist(), len(rising)]


def _rising_scores(run: Path) -> np.ndarray:
    """Return the scores of a run from the lowest to the highest, of which only what is looked at is read."""
    return np.memmap(run / "score", dtype=np.float64, mode="r")[::-1]


def _entries(run: Path, begin: int, end: int) -> list[np.ndarray]:
    return [
        np.fromfile(run / name, dtype=kind, count=end - begin, offset=begin * np.dtype(kind).itemsize)
        for name, kind in _PARTS.items()
    ]


def _collapsed(
    scores: np.ndarray,
    record_counts: np.ndarray,
    label_sums: np.ndarray,
    groups: np.ndarray,
    *,
    score_first: bool,
) -> ScoreBlock:
    """Return each pair of score and group once, sorted by both, highest scores first."""
    scores = scores + 0.0  # one zero, not two
    has_groups = bool(len(groups)) and bool(groups.any())
    order = np.lexsort((-scores, groups)) if has_groups and not score_first else np.argsort(-scores)
    if has_groups and score_first:
        order = np.lexsort((groups, -scores))
    scores, groups = scores[order], groups[order]
    is_new = np.ones(len(scores), dtype=bool)
    is_new[1:] = (scores[1:] != scores[:-1]) | (groups[1:] != groups[:-1])
    starts = np.flatnonzero(is_new)
    with np.errstate(over="ignore", invalid="ignore"):
        label_sums = np.add.reduceat(label_sums[order], starts) if len(starts) else label_sums
    return ScoreBlock(
        scores=scores[starts],
        record_counts=np.add.reduceat(record_counts[order], starts) if len(starts) else record_counts,
        label_sums=label_sums,
        groups=groups[starts],
    )


def _columns(block: ScoreBlock) -> tuple[np.ndarray, ...]:
    return block.scores, block.record_counts, block.label_sums, block.groups
