"""Describe training data, so that later runs can say how far their data has drifted from it.

The same profile that each run makes of its input (`contracts.data_profile`). Only records that are valid
under the contract count.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from contracts.contract_file import read_contract
from contracts.data_profile import DataProfile, add_profiles
from contracts.dataset import DatasetContract
from contracts.errors import CallerError
from contracts.payload_limits import BYTES_PER_MB, MAX_PAYLOAD_MB
from preprocessing.input_checks import check_image_library
from preprocessing.profile import counted_records, profile_records
from preprocessing.readers import read_blocks
from preprocessing.source_objects import AUTO_FORMAT, find_source_files
from preprocessing.validation import validate

MAX_RECORD_BYTES = MAX_PAYLOAD_MB * BYTES_PER_MB
"""As long as any run may take, so that nothing that runs score is missing from what they are compared to."""


def build_baseline(source: Path, contract_path: Path) -> DataProfile:
    """Read training data and return its profile.

    Args:
        source: Folder of training data in any format that runs read.
        contract_path: The dataset contract.

    Raises:
        CallerError: No record of the data is valid under the contract.
    """
    contract = read_contract(contract_path)
    check_image_library(contract)
    counted = (counted_records(valid, contract, stride=1) for valid in _valid_records(source, contract))
    profile = add_profiles(profile_records(records, contract) for records in counted)
    if profile is None:
        raise CallerError(
            f"{source}: no record is valid under {contract_path}, so there is nothing to describe"
        )
    return profile


def _valid_records(source: Path, contract: DatasetContract) -> Iterator[pa.Table]:
    for file in find_source_files(source):
        for block in read_blocks(file, AUTO_FORMAT, contract, MAX_RECORD_BYTES):
            valid = validate(block.parse().columns, contract, "parquet").valid
            if valid.num_rows:
                yield valid
