"""What is left to do of a local run that did not come to its end, or why it cannot be resumed.

A run can be resumed once its input is prepared and its error budget is kept: then shards, plan and quarantine
are there, and an output of the transform job is there whole or not at all. Reads only; changes nothing.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from contracts.contract_file import read_contract
from contracts.dataset import DatasetContract
from contracts.errors import BatchScoreError, CallerError
from contracts.model_artifact import check_artifact, find_contract
from contracts.plan import (
    MANIFEST_FILE,
    PLAN_FILE,
    Shard,
    ShardManifest,
    read_manifest,
    read_plan,
)
from emulator.run_record import RunRecord
from runner.local_state import LocalState, state_folder
from runner.lost_run import (
    Resumption,
    check_came_so_far,
    named,
    package_of,
    refuse,
    run_prefix,
)
from runner.missing_shards import missing_shards
from runner.packaged_model import model_of_run

_BLOCK_BYTES = 1024 * 1024
_START_ANEW = "start a new run with `batchscore run`"


def find_resumption(record: RunRecord, state: LocalState) -> Resumption:
    """Return what is left of a run, having checked that everything for it is there.

    Looks at names and sizes only; for the content, see `check_content`.

    Raises:
        CallerError: The run cannot be resumed; the message says why and what to do instead.
        PlatformError: What its preparation wrote cannot be read.
    """
    check_came_so_far(record, _START_ANEW)
    run_uri, package_arn = run_prefix(record), package_of(record)
    folder = state.store.path_of(f"{run_uri}plan")
    gone = [str(folder / name) for name in (PLAN_FILE, MANIFEST_FILE) if not (folder / name).is_file()]
    if gone:
        refuse(record, [f"{path}: is gone" for path in gone], _START_ANEW)
    plan, manifest = read_plan(folder), read_manifest(folder / MANIFEST_FILE)
    resumption = Resumption(
        record=record,
        plan=plan,
        shards_uri=f"{run_uri}shards/",
        all=manifest.shards,
        # Without a package nothing was scored.
        missing=missing_shards(manifest, _output_names(run_uri, state) if package_arn else ()),
        model_package_arn=package_arn,
    )
    faults = [*_faults(resumption, state), *_faults_of_kept(run_uri, manifest, state)]
    refuse(record, faults, _START_ANEW)
    return resumption


def check_content(resumption: Resumption, state: LocalState) -> None:
    """Check that contract, model, kept files and the shards still to be scored are what they were.

    Raises:
        CallerError: One is not; every fault is named.
    """
    parameters = resumption.record.parameters
    contract = state.store.path_of(parameters["ContractUri"])
    faults = _fault_of_fingerprint(contract, lambda: read_contract(contract), resumption)
    if resumption.resume_at != "report":
        model = model_of_run(resumption.record, state)
        find = find_contract if model.image else check_artifact
        faults += _fault_of_fingerprint(model.artifact, lambda: find(model.artifact), resumption)
    folder = state.store.path_of(resumption.shards_uri)
    kept_folder = state.store.path_of(run_prefix(resumption.record) + "kept")
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as workers:
        digests = list(workers.map(_digest, [folder / shard.name for shard in resumption.missing]))
        kept_digests = list(workers.map(_digest, [kept_folder / shard.kept_name for shard in resumption.all]))
    pairs = zip(resumption.missing, digests, strict=True)
    changed = [shard.name for shard, digest in pairs if shard.sha256 != digest]
    pairs = zip(resumption.all, kept_digests, strict=True)
    changed_kept = [shard.kept_name for shard, digest in pairs if shard.kept_sha256 != digest]
    for place, names in ((folder, changed), (kept_folder, changed_kept)):
        if names:
            faults.append(f"{place}: {named(names)} changed since they were cut (SHA-256 differs)")
    refuse(resumption.record, faults, _START_ANEW)


def resume_command(record: RunRecord, state: LocalState) -> str | None:
    """Return the command that resumes a run, or None where that would not work."""
    if record.status not in ("Failed", "Stopped"):
        return None
    try:
        find_resumption(record, state)
    except BatchScoreError:
        return None
    words = ["batchscore", "resume", record.run_id]
    if state.root != state_folder(os.environ):
        words += ["--state", str(state.root)]
    return shlex.join(words)


def _output_names(run_uri: str, state: LocalState) -> list[str]:
    """Return the names of the outputs; a machine that lost power may leave a file without its content."""
    return [entry.path.name for entry in state.store.list(f"{run_uri}transform/") if entry.byte_count]


def _faults(resumption: Resumption, state: LocalState) -> Iterator[str]:
    """Yield what is gone of contract, model, package and the shards still to be scored."""
    contract = state.store.path_of(resumption.record.parameters["ContractUri"])
    if not contract.is_file():
        yield f"{contract}: is gone (ContractUri)"
    gone: list[str] = []
    if resumption.resume_at == "score":
        gone = list(_faults_of_package(resumption.model_package_arn, state))
        yield from gone
    if resumption.resume_at != "report":
        yield from _faults_of_artifact(resumption.record, state, is_package_there=not gone)
    folder = state.store.path_of(resumption.shards_uri)
    faults = {shard.name: _fault_of_size(folder / shard.name, shard) for shard in resumption.missing}
    for kind in ("is gone", "has another size than when it was cut"):
        names = [name for name, found in faults.items() if found == kind]
        if names:
            yield f"{folder}: {named(names)}: {kind}"


def _faults_of_artifact(record: RunRecord, state: LocalState, *, is_package_there: bool) -> Iterator[str]:
    """Yield that the model artifact is gone; where only the package names it, the package must be there."""
    is_named = "ModelArtifactUri" in record.parameters
    if is_named or is_package_there:
        artifact = model_of_run(record, state).artifact
        if not artifact.is_file():
            yield f"{artifact}: is gone ({'ModelArtifactUri' if is_named else 'of the model package'})"


def _faults_of_package(arn: str, state: LocalState) -> Iterator[str]:
    if not state.has_registry:
        yield f"{state.root}: the model registry is gone"
        return
    try:
        state.registry.package(arn)
    except CallerError as fault:
        yield str(fault)


def _fault_of_size(path: Path, shard: Shard) -> str:
    if not path.is_file():
        return "is gone"
    return "" if path.stat().st_size == shard.byte_count else "has another size than when it was cut"


def _faults_of_kept(run_uri: str, manifest: ShardManifest, state: LocalState) -> Iterator[str]:
    """Yield what is gone of the ids that stayed behind, and of the quarantine: the report reads both."""
    folder = state.store.path_of(f"{run_uri}kept")
    gone = [shard.kept_name for shard in manifest.shards if not (folder / shard.kept_name).is_file()]
    if gone:
        yield f"{folder}: {named(gone)}: is gone"
    if not state.store.list(f"{run_uri}quarantine/"):
        yield f"{state.store.path_of(run_uri + 'quarantine')}: is gone"


def _fault_of_fingerprint(
    path: Path, read: Callable[[], DatasetContract | None], resumption: Resumption
) -> list[str]:
    try:
        found = read()
    except CallerError as fault:
        return [str(fault)]
    expected = resumption.plan.contract_fingerprint
    if found is None or found.fingerprint == expected:
        return []
    return [f"{path}: has the fingerprint {found.fingerprint}, but the shards were made under {expected}"]


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
