"""Make text from the data harmless to spreadsheets that open a CSV file.

A spreadsheet takes a cell that begins with one of FORMULA_STARTS for a formula and computes it, with all that
formulas can reach. Only files for people are treated so (digests, chart tables): in files for machines an id
must stay as it is.
"""

from __future__ import annotations

from typing import Any

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def harmless_text(text: str) -> str:
    """Return the text, with an apostrophe before it if a spreadsheet could take it for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def harmless_column(texts: Any) -> Any:
    """Return a column of texts (an Arrow array), each as `harmless_text` makes it; null stays null."""
    import pyarrow as pa  # noqa: PLC0415 - most users of this module have no columns
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    starts = "".join(FORMULA_STARTS).replace("-", r"\-")
    is_formula = pc.match_substring_regex(texts, f"^[{starts}]")
    return pc.if_else(is_formula, pc.binary_join_element_wise(pa.scalar("'"), texts, ""), texts)
