"""Check everything that can be checked before a run starts, and report all faults at once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.container_paths import MODEL, inside
from contracts.contract_file import read_contract
from contracts.contract_outputs import check_wire
from contracts.errors import CallerError
from contracts.keep_columns import kept_names
from contracts.model_artifact import check_artifact, find_contract, unpack_artifact
from emulator.object_store import SCHEME, ObjectStore
from emulator.processing_job import MAX_ARGUMENT_CHARS
from runner.input_files import input_files
from runner.model_check import check_model, model_root

WORKING_BYTES = 64 * 1024 * 1024
"""Free space that a run needs beside what grows with its input."""

ALONE_WIRES = ("csv", "recordio")
"""What AWS's built-in XGBoost container takes of the wire formats."""

BUILTIN_REPOSITORY = "/sagemaker-xgboost:"
"""[src] Name of that container's repository in every region, in the SDK's `image_uri_config/xgboost.json`."""

BUILTIN_PAYLOAD_MB = 6
"""[src] That container answers 413 to larger bodies, unless its variable MAX_CONTENT_LENGTH allows them."""

FreeBytes = Callable[[Path], int]


@dataclass(frozen=True, kw_only=True)
class RunPlaces:
    """The files and places of one run, as a person named them.

    Attributes:
        contract: Path of the dataset contract.
        model: Path of the model artifact.
        source: Path or `s3://` URI of the input.
        output: Path or `s3://` URI of the output.
        model_image: URI of the image that the model runs in in AWS; empty for the project's own.
    """

    contract: Path
    model: Path
    source: str
    output: str
    model_image: str = ""


def free_bytes(folder: Path) -> int:
    """Return the free space where `folder` is, or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def check_places(
    places: RunPlaces,
    store: ObjectStore,
    measure: FreeBytes = free_bytes,
    *,
    keep_columns: str = "",
    wire: str = "arrow",
) -> None:
    """Check contract, model, input, output, disk space, the KeepColumns parameter and the wire format.

    Raises:
        CallerError: Something is wrong; the message names every fault.
    """
    checks: tuple[Callable[[], None], ...] = (
        lambda: _check_model_fits_contract(places, wire),
        lambda: _check_kept_columns(places, keep_columns),
        lambda: _check_source(places, store, measure),
        lambda: _check_output(places, store, measure),
        lambda: check_folder(store.root, f"--state {store.root.parent}"),
    )
    faults = []
    for check in checks:
        try:
            check()
        except CallerError as fault:
            faults.append(str(fault))
    if faults:
        raise CallerError("\n".join(dict.fromkeys(faults)))


def check_lengths(parameters: Mapping[str, str]) -> None:
    """Refuse what would only fail when the report job is created, after the transform was paid for.

    ReportRun is told every parameter as an argument `Name=Value`.

    Raises:
        CallerError: A parameter's name and value are too long to be told to the report.
    """
    told = [f"{name}={value}" for name, value in parameters.items()]
    too_long = [text for text in told if len(text) > MAX_ARGUMENT_CHARS]
    if too_long:
        raise CallerError(
            f"name and value of a parameter may have {MAX_ARGUMENT_CHARS} characters together; "
            f"too long: {'; '.join(too_long)}; use shorter names"
        )


def check_payload(places: RunPlaces, max_payload_mb: int) -> None:
    """Refuse payloads that AWS's built-in XGBoost container would refuse after the job was paid for.

    Raises:
        CallerError: They may be larger than it takes.
    """
    if BUILTIN_REPOSITORY in places.model_image and max_payload_mb > BUILTIN_PAYLOAD_MB:
        raise CallerError(
            f"MaxPayloadInMB is {max_payload_mb}, but the container of --model-image {places.model_image} "
            f"takes {BUILTIN_PAYLOAD_MB} MB at most; leave it at that"
        )


def _check_model_fits_contract(places: RunPlaces, wire: str) -> None:
    contract = read_contract(places.contract)
    check_wire(contract, wire)
    trained_under = find_contract(places.model) if places.model_image else check_artifact(places.model)
    if trained_under is None:
        _check_model_alone(places, wire)
        return
    if BUILTIN_REPOSITORY in places.model_image:
        raise CallerError(
            f"{places.model}: holds a contract, but the container of --model-image {places.model_image} "
            "takes every file for a model; make the artifact with `batchscore package --model-alone`"
        )
    if contract.fingerprint != trained_under.fingerprint:
        raise CallerError(
            f"{places.contract}: has the fingerprint {contract.fingerprint}, but {places.model} was made "
            f"under {trained_under.fingerprint}: features, their order, types, categories, missing values, "
            "the primary key or the outputs differ; use the contract that the model was trained under, or "
            "package it anew"
        )


def _check_model_alone(places: RunPlaces, wire: str) -> None:
    if wire not in ALONE_WIRES:
        raise CallerError(
            f"--wire {wire}: {places.model} is for a container that is not the project's own, which "
            f"takes {' or '.join(ALONE_WIRES)}"
        )
    with model_root() as root:
        unpack_artifact(places.model, inside(root, MODEL))
        check_model(root, places.contract, places.model, is_alone=True)


def _check_kept_columns(places: RunPlaces, keep_columns: str) -> None:
    kept_names(keep_columns, read_contract(places.contract))


def _check_source(places: RunPlaces, store: ObjectStore, measure: FreeBytes) -> None:
    if is_uri(places.source):
        if not places.source.endswith("/"):
            raise CallerError(
                f"--input {places.source}: a prefix must end with `/`, or it matches its siblings too"
            )
        sizes = [entry.byte_count for entry in store.list(places.source)]
    else:
        sizes = [path.stat().st_size for path in input_files(Path(places.source), "--input")]
    if not sizes:
        raise CallerError(f"--input {places.source}: holds no file to score")
    needed, free = sum(sizes) + WORKING_BYTES, measure(store.root)
    if free < needed:
        raise CallerError(
            f"{store.root}: about {_megabytes(needed)} are needed for this input, {_megabytes(free)} are "
            "free; make room or name another place with --state"
        )


def _check_output(places: RunPlaces, store: ObjectStore, measure: FreeBytes) -> None:
    output = _folder_of(places.output, store)
    source = _folder_of(places.source, store)
    if output == source or source in output.parents:
        raise CallerError(
            f"--output {places.output}: is inside --input {places.source}, so the next run would score its "
            "own output; choose a place outside"
        )
    if output == source.parent and source.is_file():
        raise CallerError(
            f"--output {places.output}: is the folder of --input {places.source}; choose another"
        )
    if source == store.root or source in store.root.parents:
        raise CallerError(
            f"--state {store.root.parent}: is inside --input {places.source}; choose a place outside"
        )
    check_folder(output, f"--output {places.output}")
    needed, free = WORKING_BYTES, measure(output)
    if free < needed:
        raise CallerError(
            f"--output {places.output}: {_megabytes(free)} are free, {_megabytes(needed)} are needed"
        )


def check_folder(folder: Path, name: str) -> None:
    """Check that a folder is there, or can be made, and can be written to.

    Raises:
        CallerError: It is not; `name` stands first in the message.
    """
    if folder.exists() and not folder.is_dir():
        raise CallerError(f"{name}: is a file; expected a folder, which may not exist yet")
    nearest = folder
    while not nearest.exists():
        nearest = nearest.parent
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise CallerError(
            f"{name}: {nearest} cannot be written to; check its permissions or choose another place"
        )


def _folder_of(place: str, store: ObjectStore) -> Path:
    return (store.path_of(place) if is_uri(place) else Path(place)).resolve()


def is_uri(place: str) -> bool:
    """Return whether a place is an `s3://` URI and not a path."""
    return place.startswith(SCHEME)


def _megabytes(byte_count: int) -> str:
    return f"{byte_count / 1024 / 1024:,.0f} MB"
