"""How well vectors tell what the model was never told: whether a reviewer was happy.

    python -m examples.embeddings.quality

A plane is laid through the vectors of the reviews whose opinion is known, great ones on one side and others
on the other (least squares, a little damped), and the reviews that were set apart for testing are judged.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import EXIT_SUCCEEDED
from examples import making

from .data import held_out_opinions
from .published import published_reviews, vectors_of
from .run import WORK, files_below

DAMPING = 5.0
GREAT = "great"


@dataclass(frozen=True, kw_only=True)
class Quality:
    """What came of judging reviews that the plane never saw.

    Attributes:
        known_count: Reviews that the plane was laid by.
        judged_count: Reviews that were judged.
        accuracy: Fraction of them that were judged right.
        majority: What always giving the more frequent opinion would come to.
        auc: Chance that of a great and another review, the great one lies further on its side.
    """

    known_count: int
    judged_count: int
    accuracy: float
    majority: float
    auc: float


def quality_of(reviews: pa.Table, truth: Mapping[str, str]) -> Quality:
    """Judge the reviews whose id is in `truth` by those that have an opinion.

    Args:
        reviews: From `published_reviews`.
        truth: Opinion by id.
    """
    vectors, ids = vectors_of(reviews), reviews["review_id"].to_pylist()
    is_known = np.array(pc.is_valid(reviews["opinion"]))
    is_great = np.array(pc.fill_null(pc.equal(reviews["opinion"], GREAT), False))
    is_judged = np.array([one in truth for one in ids])
    is_truly_great = np.array([truth.get(one) == GREAT for one in ids])[is_judged]
    sides = _sides(vectors[is_known], is_great[is_known], vectors[is_judged])
    return Quality(
        known_count=int(is_known.sum()),
        judged_count=int(is_judged.sum()),
        accuracy=float(np.mean((sides > 0) == is_truly_great)),
        majority=float(max(is_truly_great.mean(), 1 - is_truly_great.mean())),
        auc=_auc(sides, is_truly_great),
    )


def _sides(known: np.ndarray, is_great: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """Return on which side of the plane through the known vectors each judged one lies: above 0 is great."""
    known, judged = (np.column_stack([part, np.ones(len(part))]) for part in (known, judged))
    damped = known.T @ known + DAMPING * np.eye(known.shape[1])
    return np.asarray(judged @ np.linalg.solve(damped, known.T @ np.where(is_great, 1.0, -1.0)))


def _auc(numbers: np.ndarray, is_positive: np.ndarray) -> float:
    ranks = numbers.argsort().argsort() + 1.0
    count = int(is_positive.sum())
    above = ranks[is_positive].sum() - count * (count + 1) / 2
    return float(above / (count * (len(numbers) - count)))


def main(arguments: Sequence[str]) -> int:
    """Print how many opinions are told right."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.embeddings.quality",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=int, help="of the run on so many reviews instead of all real ones")
    parser.add_argument("--work", type=Path, default=WORK, help="folder of the example [%(default)s]")
    given = parser.parse_args(arguments)
    reviews = published_reviews(files_below(given.work, given.rows).output)
    found = quality_of(reviews, held_out_opinions(given.rows))
    print(
        f"{found.judged_count:,} reviews judged by {found.known_count:,}: accuracy {found.accuracy:.3f} "
        f"(the more frequent opinion: {found.majority:.3f}), AUC {found.auc:.3f}"
    )
    return EXIT_SUCCEEDED


if __name__ == "__main__":
    making.run(main)
