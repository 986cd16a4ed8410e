"""The dataset contract: the fixed part of `contract.yaml`, and what follows from the data and the options."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from contracts.atomic_files import write_bytes

from .data import taste_names

CONTRACT_PATH = Path(__file__).with_name("contract.yaml")


def contract_document(
    film_ids: Sequence[str], *, taste_count: int, kept_count: int, excludes_seen: bool
) -> dict[str, Any]:
    """Return the contract.

    Args:
        film_ids: In the order of the model's outputs.
        taste_count: Features of the model.
        kept_count: How many films each user gets.
        excludes_seen: Whether films that a user has seen are never among them.
    """
    document: dict[str, Any] = yaml.safe_load(CONTRACT_PATH.read_text(encoding="utf-8"))
    names = taste_names(taste_count)
    document["fields"] += [
        {"name": name, "type": "number", "constraints": {"required": True}} for name in names
    ]
    scoring = {"features": names, "outputs": list(film_ids), "topK": kept_count}
    document["scoring"] |= scoring | ({"exclude": "seen_films"} if excludes_seen else {})
    return document


def write_contract(path: Path, document: dict[str, Any]) -> None:
    """Write the contract as JSON."""
    write_bytes(path, (json.dumps(document, indent=1) + "\n").encode())
