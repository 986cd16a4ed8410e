"""What can be refused before a record is read."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from contracts.dataset import DatasetContract
from contracts.errors import CallerError
from preprocessing.readers import check_format
from preprocessing.source_objects import SourceFile


def check_image_library(contract: DatasetContract) -> None:
    """Check that images can be decoded, if the contract has any.

    Raises:
        CallerError: Pillow cannot be imported.
    """
    if contract.image is None:
        return
    try:
        importlib.import_module("preprocessing.image_checks")
    except ImportError as error:
        raise CallerError(
            f"the contract says `modelInput: {contract.model_input}`, but what reads images cannot be "
            f"loaded: {error}; install it with pip install 'batchscore[images]'"
        ) from error


def check_formats(files: Iterable[SourceFile], input_format: str, contract: DatasetContract) -> None:
    """Refuse what no reader reads, all of it at once.

    Raises:
        CallerError: There is such a source object; every one is named.
    """
    faults = []
    for file in files:
        try:
            check_format(file, input_format, contract)
        except CallerError as fault:
            faults.append(str(fault))
    if faults:
        raise CallerError("; ".join(faults))
