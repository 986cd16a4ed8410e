"""What the peers read of the dataset contract."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How records become the numbers that the model takes.

    Attributes:
        id_field: Name of the id.
        features: Names of the features, in the model's order.
        categories: Of each feature that is a text, its values in code order.
        integers: Names of the features that are whole numbers and never missing.
    """

    id_field: str
    features: list[str]
    categories: dict[str, list[str]]
    integers: list[str]


def read_encoding(path: str) -> Encoding:
    """Return what the contract at `path` says of encoding."""
    contract = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    features = contract["scoring"]["features"]
    fields = [field for field in contract["fields"] if field["name"] in features]
    return Encoding(
        id_field=contract["primaryKey"],
        features=features,
        categories={field["name"]: field["categories"] for field in fields if "categories" in field},
        integers=[field["name"] for field in fields if field["type"] == "integer"],
    )
