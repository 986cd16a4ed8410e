"""Read, check and explain every record below a folder, and write nothing but the quarantine.

    python -m benchmarks.validation_only SOURCE_FOLDER CONTRACT QUARANTINE_FOLDER

What a preparation does before it cuts shards, with the same functions on the same threads; `validate_csv`
starts and times it. The counts are left as `counts.json` beside the quarantine.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from contracts.contract_file import read_contract
from contracts.dataset import DatasetContract
from contracts.memory import tune_memory
from preprocessing.checked_block import check_block
from preprocessing.ordered_work import ordered_map
from preprocessing.quarantine_file import QuarantineFile
from preprocessing.readers import read_blocks
from preprocessing.records import RecordBlock
from preprocessing.source_objects import SourceFile, find_source_files

MAX_RECORD_BYTES = 6_000_000
COUNTS_FILE = "counts.json"


def blocks(files: list[SourceFile], contract: DatasetContract, read_keys: list[str]) -> Iterator[RecordBlock]:
    """Yield the blocks of all files, noting for each the key of its file in `read_keys`."""
    for file in files:
        for block in read_blocks(file, "auto", contract, MAX_RECORD_BYTES):
            read_keys.append(file.source_key)
            yield block


def main(arguments: Sequence[str]) -> None:
    """Validate and leave the counts."""
    source, contract_path, quarantine_folder = (Path(argument) for argument in arguments)
    tune_memory()
    contract = read_contract(contract_path)
    thread_count = os.cpu_count() or 1
    keys: list[str] = []
    valid_count = block_count = 0
    check = functools.partial(check_block, contract=contract, wire_name="parquet")
    quarantine_folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(thread_count) as executor, QuarantineFile(quarantine_folder, "one") as quarantine:
        given = blocks(find_source_files(source), contract, keys)
        for checked, form in ordered_map(
            executor, lambda block: (check(block), block.source_form), given, thread_count + 1
        ):
            valid_count += checked.valid.num_rows
            for record in checked.quarantined:
                quarantine.add(keys[block_count], form, record)
            block_count += 1
        reason_counts = quarantine.reason_counts
    record_count = valid_count + sum(reason_counts.values())
    counts = {"record_count": record_count, "reason_counts": reason_counts}
    (quarantine_folder / COUNTS_FILE).write_text(json.dumps(counts))


if __name__ == "__main__":
    gc.freeze()
    main(sys.argv[1:])
