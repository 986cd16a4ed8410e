"""The source objects of a run in S3, and how many records those have that say so themselves: Parquet's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.errors import CallerError
from contracts.source_names import is_data
from runner.aws.objects import ObjectFact, list_objects, split_uri
from runner.aws.ranged_object import RangedObject

BUFFER_BYTES = 1024 * 1024
"""Asked for at once, so that no more of a large column is read than the first records need."""

_PARQUET_SUFFIX = ".parquet"


@dataclass(frozen=True, kw_only=True)
class SourceListing:
    """The source objects below InputUri.

    Attributes:
        uri: InputUri.
        input_format: The InputFormat parameter.
        objects: Those with data, by key; empty ones are left out.
        empty_count: How many were left out.
    """

    uri: str
    input_format: str
    objects: Sequence[ObjectFact]
    empty_count: int

    @property
    def byte_count(self) -> int:
        """Bytes of all objects, as delivered."""
        return sum(fact.byte_count for fact in self.objects)

    def name_of(self, fact: ObjectFact) -> str:
        """Return an object's path below the input, which is its source key."""
        return fact.key[len(split_uri(self.uri)[1]) :]

    @property
    def parquet(self) -> list[ObjectFact]:
        """Objects that are read as Parquet, as far as their names tell."""
        return [fact for fact in self.objects if self._is_parquet(fact)]

    @property
    def others(self) -> list[ObjectFact]:
        """All other objects."""
        return [fact for fact in self.objects if not self._is_parquet(fact)]

    def _is_parquet(self, fact: ObjectFact) -> bool:
        is_named = self.input_format == "auto" and fact.key.lower().endswith(_PARQUET_SUFFIX)
        return self.input_format == "parquet" or is_named


def list_source(s3: Any, uri: str, input_format: str) -> SourceListing:
    """List the source objects of a run.

    Raises:
        CallerError: There is none with anything in it.
    """
    _, prefix = split_uri(uri)
    facts = [fact for fact in list_objects(s3, uri) if is_data(fact.key[len(prefix) :])]
    objects = [fact for fact in facts if fact.byte_count]
    if not objects:
        found = f"{len(facts)} empty objects and nothing else" if facts else "no source object"
        raise CallerError(f"InputUri {uri}: there is {found} below it; check prefix and account")
    return SourceListing(
        uri=uri, input_format=input_format, objects=objects, empty_count=len(facts) - len(objects)
    )


def spread(facts: Sequence[ObjectFact], count: int) -> list[ObjectFact]:
    """Return at most `count` objects, the first among them, evenly spread."""
    step = max(1, len(facts) / count)
    return [facts[int(number * step)] for number in range(min(count, len(facts)))]


def footer_record_count(s3: Any, fact: ObjectFact) -> int:
    """Return how many records a Parquet object has, by its footer.

    Raises:
        CallerError: It is not Parquet.
    """
    with parquet_file(s3, fact) as source:
        return int(source.metadata.num_rows)


@contextmanager
def parquet_file(s3: Any, fact: ObjectFact) -> Iterator[Any]:
    """Open a Parquet object of which only what is needed is read, as a `pyarrow.parquet.ParquetFile`.

    Raises:
        CallerError: It is not Parquet, or what is read of it is damaged.
    """
    try:
        with pq.ParquetFile(RangedObject(s3, fact), buffer_size=BUFFER_BYTES, pre_buffer=False) as source:
            yield source
    except pa.ArrowException as error:
        raise CallerError(f"{fact.uri}: cannot be read as Parquet: {error}") from error
