"""What is counted of a feature: numbers and categories as they are, of a text its length alone."""

from __future__ import annotations

import pyarrow as pa
import pytest
from made_images import CONTRACT as IMAGE_CONTRACT

from contracts.contract_file import parse_contract
from preprocessing.profile import ProfileDesk, counted_records, empty_profile, profile_records

CONTRACT = parse_contract(
    """
fields:
  - {name: id, type: string}
  - {name: review, type: string, constraints: {enum: ["", "été", "a longer text"]}}
primaryKey: id
scoring: {features: [review], modelInput: text}
""".encode(),
    name="contract.yaml",
)
REVIEWS = pa.array(["", "été", None, "a longer text", "été"])


@pytest.mark.parametrize("reviews", [REVIEWS, REVIEWS.dictionary_encode()], ids=["plain", "dictionary"])
def test_of_a_text_its_length_in_characters_is_counted_and_nothing_that_it_says(reviews: pa.Array) -> None:
    valid = pa.table({"id": list("abcde"), "review": reviews})
    profile = profile_records(counted_records(valid, CONTRACT, stride=1), CONTRACT)
    feature = profile.features["review"]
    assert (feature.missing_count, feature.values, feature.record_count) == (1, {}, 5)
    assert feature.histogram is not None
    counted = zip(feature.histogram.lower_bounds().tolist(), feature.histogram.counts.tolist(), strict=True)
    assert list(counted) == [(0.0, 1), (3.0, 2), (13.0, 1)]
    assert "été" not in str(profile.document())


def test_lengths_of_several_blocks_are_added_up() -> None:
    """No records at all are no numbers, and not categories."""
    desk = ProfileDesk(CONTRACT, stride=2)
    for _ in range(2):
        desk.add(counted_records(pa.table({"id": list("abcde"), "review": REVIEWS}), CONTRACT, stride=2))
    assert desk.profile().record_count == 12
    assert empty_profile(CONTRACT).features["review"].histogram is not None


def test_of_bytes_the_length_is_counted() -> None:
    """Blocks that wait to be counted hold no bytes."""
    contract = parse_contract(IMAGE_CONTRACT.encode(), name="contract")
    images = pa.array([bytes(3), bytes(5), None], pa.binary())
    valid = pa.table({"id": pa.array(["1", "2", "3"]), "image": images})

    counted = counted_records(valid, contract, stride=1)
    profile = profile_records(counted, contract).features["image"]

    assert counted["image"].to_pylist() == [3, 5, None]
    assert profile.missing_count == 1
    assert profile.histogram is not None
    assert int(profile.histogram.counts.sum()) == 2
