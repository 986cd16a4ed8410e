"""Which objects below InputUri are data, by their keys: the same for who counts them and for who reads them.

Left out are files and folders whose names begin with a dot, folders that tools work in (HIDDEN_FOLDERS),
the markers `_SUCCESS` and `_READY`, the summaries `_metadata` and `_common_metadata`, which tools leave beside
data, and the reasons that `batchscore quarantine --write` puts beside the records to be mended; everything
else is data.
"""

from __future__ import annotations

from contracts.quarantine import is_reasons_file

HIDDEN_FOLDERS = ("_temporary", "_delta_log", "__MACOSX")
MARKER_NAMES = ("_SUCCESS", "_READY", "_metadata", "_common_metadata")


def is_data(key: str) -> bool:
    """Say whether an object is data; `key` is its path below the input, with `/`."""
    *folders, name = key.split("/")
    is_hidden = any(part.startswith(".") for part in (*folders, name))
    is_hidden = is_hidden or not set(folders).isdisjoint(HIDDEN_FOLDERS)
    return not (is_hidden or name in MARKER_NAMES or is_reasons_file(name))
