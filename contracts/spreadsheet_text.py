"""Make text from the data harmless to spreadsheets that open a CSV file.

A spreadsheet takes a cell that begins with one of FORMULA_STARTS for a formula and computes it, with all that
formulas can reach. Only files for people are treated so (digests, chart tables): in files for machines an id
must stay as it is.
"""

from __future__ import annotations

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def harmless_text(text: str) -> str:
    """Return the text, with an apostrophe before it if a spreadsheet could take it for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
