"""The benchmark of images compares the same images in payloads of two kinds."""

from __future__ import annotations

import pytest

from benchmarks.images import image_records, packed, single
from contracts.arrow_files import read_arrow

pytestmark = pytest.mark.functional


def test_both_ways_send_the_same_images() -> None:
    """Packed into a few payloads, or one in each."""
    records = image_records(50, side=8)
    ways = [packed(records, clients=2), single(records)]
    assert [len(way.payloads) for way in ways] == [8, 50]
    for way in ways:
        sent = [row for payload in way.payloads for row in read_arrow(payload).to_pylist()]
        assert sent == records.to_pylist()
