"""The parts of several instances are added up; nothing is counted twice, and nothing is left out."""

from __future__ import annotations

import pytest

from contracts.errors import InternalError
from contracts.plan import ShardManifest, SourceObject
from preprocessing.plan_parts import add_parts


def part(*keys: str) -> ShardManifest:
    sources = [
        SourceObject(source_key=key, byte_count=10, record_count=3, quarantined_count=1) for key in keys
    ]
    return ShardManifest(shards=(), sources=tuple(sources), reason_counts={}, prepare_seconds=1.0)


def test_loose_images_of_one_folder_are_one_source_object_again() -> None:
    """Each instance got some of the files; archives are whole objects."""
    added = add_parts([part("a.tar", "scans/"), part("b.tar", "scans/"), part("scans/")])

    assert [
        (source.source_key, source.byte_count, source.record_count, source.quarantined_count)
        for source in added.sources
    ] == [("a.tar", 10, 3, 1), ("b.tar", 10, 3, 1), ("scans/", 30, 9, 3)]
    assert added.record_count == 15


def test_a_file_that_two_parts_name_is_a_fault() -> None:
    """The same object cannot have been delivered to two instances."""
    with pytest.raises(InternalError, match=r"name the same source object: a\.tar"):
        add_parts([part("a.tar"), part("a.tar")])
