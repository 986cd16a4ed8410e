"""Text from the data is no formula."""

from __future__ import annotations

import pytest

from contracts.spreadsheet_text import harmless_text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1"])
def test_a_text_that_a_spreadsheet_would_compute_gets_an_apostrophe(text: str) -> None:
    assert harmless_text(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "'=1", " =1"])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert harmless_text(text) == text
