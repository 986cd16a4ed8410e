"""Find the reviews that are nearest to a text, in what was published.

    python -m examples.embeddings.search "a present for somebody who drinks tea"

Vectors have the length 1, so that their product is the cosine of the angle between them: 1 for the same text,
about 0 for texts that have nothing to do with each other.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from contracts.errors import EXIT_SUCCEEDED
from examples import making
from serving.text_model import load_model

from .published import published_reviews, vectors_of
from .run import WORK, files_below

QUESTIONS = (
    "a present for somebody who drinks tea",
    "my dog would not eat it",
    "the package arrived damaged",
)
SHOWN_CHARS = 100


def nearest(questions: np.ndarray, vectors: np.ndarray, count: int) -> np.ndarray:
    """Return the positions of the vectors nearest to each question, nearest first.

    Args:
        questions: Of length 1, shape (questions, numbers).
        vectors: Of length 1, shape (vectors, numbers).
        count: How many for each question.
    """
    return np.argsort(-(questions @ vectors.T), axis=1, kind="stable")[:, :count]


def main(arguments: Sequence[str]) -> int:
    """Print the reviews that are nearest to each text."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.embeddings.search",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("texts", nargs="*", default=QUESTIONS, help="texts to look for [three questions]")
    parser.add_argument("--count", type=int, default=3, help="reviews for each text [%(default)s]")
    parser.add_argument("--rows", type=int, help="of the run on so many reviews instead of all real ones")
    parser.add_argument("--work", type=Path, default=WORK, help="folder of the example [%(default)s]")
    given = parser.parse_args(arguments)
    files = files_below(given.work, given.rows)
    reviews = published_reviews(files.output)
    encoder = load_model(files.model, threads=2, output_count=vectors_of(reviews.slice(0, 1)).shape[1])
    _show(given.texts, encoder.predict(pa.chunked_array([given.texts])).values, reviews, given.count)
    return EXIT_SUCCEEDED


def _show(texts: Sequence[str], questions: np.ndarray, reviews: pa.Table, count: int) -> None:
    vectors = vectors_of(reviews)
    for text, question, found in zip(texts, questions, nearest(questions, vectors, count), strict=True):
        print(f"\n{text}")
        for at in found.tolist():
            review = " ".join(reviews["review"][at].as_py().split())
            print(f"  {vectors[at] @ question:.2f}  {reviews['review_id'][at]}  {review[:SHOWN_CHARS]}")


if __name__ == "__main__":
    making.run(main)
