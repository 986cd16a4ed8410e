"""The definition changes only when somebody means it to: each shape is pinned by a file to be reviewed."""

from __future__ import annotations

from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent.parent / "golden"

pytestmark = pytest.mark.functional


def test_definition_is_the_golden_one(named_text: tuple[str, str], update_golden: bool) -> None:
    """To accept a change: `make golden`, then read the difference."""
    name, text = named_text
    path = GOLDEN / f"{name}.json"
    if update_golden:
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text
