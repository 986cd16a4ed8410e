"""Check everything that can be checked before a run starts, and report all faults at once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from contracts.contract_file import read_contract
from contracts.errors import CallerError
from contracts.model_artifact import check_artifact
from emulator.object_store import SCHEME, ObjectStore

WORKING_BYTES = 64 * 1024 * 1024
"""Free space that a run needs beside what grows with its input."""

FreeBytes = Callable[[Path], int]


@dataclass(frozen=True, kw_only=True)
class RunPlaces:
    """The files and places of one run, as a person named them.

    Attributes:
        contract: Path of the dataset contract.
        model: Path of the model artifact.
        source: Path or `s3://` URI of the input.
        output: Path or `s3://` URI of the output.
    """

    contract: Path
    model: Path
    source: str
    output: str


def free_bytes(folder: Path) -> int:
    """Return the free space where `folder` is, or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def check_places(places: RunPlaces, store: ObjectStore, measure: FreeBytes = free_bytes) -> None:
    """Check contract, model, input, output and disk space.

    Raises:
        CallerError: Something is wrong; the message names every fault.
    """
    checks: tuple[Callable[[], None], ...] = (
        lambda: _check_model_fits_contract(places),
        lambda: _check_source(places, store, measure),
        lambda: _check_output(places),
    )
    faults = []
    for check in checks:
        try:
            check()
        except CallerError as fault:
            faults.append(str(fault))
    if faults:
        raise CallerError("\n".join(faults))


def _check_model_fits_contract(places: RunPlaces) -> None:
    contract = read_contract(places.contract)
    trained_under = check_artifact(places.model)
    if contract.fingerprint != trained_under.fingerprint:
        raise CallerError(
            f"{places.contract}: has the fingerprint {contract.fingerprint}, but {places.model} was made "
            f"under {trained_under.fingerprint}: features, their order, types, categories, missing values or "
            "the primary key differ; use the contract that the model was trained under, or package it anew"
        )


def _check_source(places: RunPlaces, store: ObjectStore, measure: FreeBytes) -> None:
    if is_uri(places.source):
        if not places.source.endswith("/"):
            raise CallerError(
                f"--input {places.source}: a prefix must end with `/`, or it matches its siblings too"
            )
        sizes = [entry.byte_count for entry in store.list(places.source)]
    else:
        sizes = [path.stat().st_size for path in _readable_files(Path(places.source))]
    if not sizes:
        raise CallerError(f"--input {places.source}: holds no file to score")
    needed, free = sum(sizes) + WORKING_BYTES, measure(store.root)
    if free < needed:
        raise CallerError(
            f"{store.root}: about {_megabytes(needed)} are needed for this input, {_megabytes(free)} are "
            "free; make room or name another place with --state"
        )


def _readable_files(path: Path) -> list[Path]:
    if not path.exists():
        raise CallerError(f"--input {path}: does not exist")
    files = [entry for entry in path.rglob("*") if entry.is_file()] if path.is_dir() else [path]
    for file in files:
        if not os.access(file, os.R_OK):
            raise CallerError(f"--input {file}: cannot be read; check its permissions")
    return files


def _check_output(places: RunPlaces) -> None:
    if is_uri(places.source) != is_uri(places.output):
        return
    source, output = _comparable(places.source), _comparable(places.output)
    if output.startswith(source):
        raise CallerError(
            f"--output {places.output}: is inside --input {places.source}, so the next run would score its "
            "own output; choose a place outside"
        )
    if not is_uri(places.output) and Path(places.output).exists() and not Path(places.output).is_dir():
        raise CallerError(f"--output {places.output}: is a file; expected a folder, which may not exist yet")


def _comparable(place: str) -> str:
    text = place if is_uri(place) else str(Path(place).resolve())
    return text.rstrip("/") + "/"


def is_uri(place: str) -> bool:
    """Return whether a place is an `s3://` URI and not a path."""
    return place.startswith(SCHEME)


def _megabytes(byte_count: int) -> str:
    return f"{byte_count / 1024 / 1024:,.0f} MB"
