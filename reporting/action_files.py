"""Write the action list: Parquet for programs, CSV for spreadsheets, and its ids for the next run.

The CSV begins with a byte order mark, by which Excel knows UTF-8, and every text in it is harmless: one that
a spreadsheet would take for a formula has an apostrophe before it.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from contracts.atomic_files import whole_file
from contracts.json_text import iso_moments
from contracts.spreadsheet_text import harmless_column, harmless_text
from reporting.action_list import MadeList
from reporting.history import ACTION_IDS_FILE

LIST_STEM = "action_list"
ITEM_SEPARATOR = ", "
"""Between the items of a list, in the CSV for people."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def write_list(folder: Path, history: Path, made: MadeList) -> None:
    """Write the list into `folder` and its ids into `history`; nothing if there is no list."""
    if made.table is None:
        return
    with whole_file(folder / f"{LIST_STEM}.parquet") as stream:
        pq.write_table(made.table, stream)
    with whole_file(folder / f"{LIST_STEM}.csv") as stream:
        stream.write(BYTE_ORDER_MARK)
        arrow_csv.write_csv(_harmless(made.table), stream)
    with whole_file(history / ACTION_IDS_FILE) as stream:
        pq.write_table(pa.table({"id": made.table.column(made.id_name)}), stream)


def _harmless(table: pa.Table) -> pa.Table:
    columns = []
    for column in table.columns:
        if pa.types.is_timestamp(column.type):
            columns.append(iso_moments(column))
        elif pa.types.is_list(column.type):
            columns.append(harmless_column(pc.binary_join(column, ITEM_SEPARATOR)))
        elif not _is_harmless(column.type):
            columns.append(harmless_column(column.cast(pa.string())))
        else:
            columns.append(column)
    return pa.table(columns, names=[harmless_text(name) for name in table.column_names])


def _is_harmless(kind: pa.DataType) -> bool:
    """Whether no value of a type can be taken for a formula; texts come in several types."""
    return bool(pa.types.is_primitive(kind) or pa.types.is_null(kind))
