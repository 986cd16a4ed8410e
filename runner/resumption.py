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
from dataclasses import dataclass
from pathlib import Path

from contracts.contract_file import read_contract
from contracts.dataset import DatasetContract
from contracts.errors import BatchScoreError, CallerError
from contracts.model_artifact import check_artifact, find_contract
from contracts.plan import (
    MANIFEST_FILE,
    PLAN_FILE,
    ScoringPlan,
    Shard,
    ShardManifest,
    read_manifest,
    read_plan,
)
from emulator.run_record import RunRecord
from runner.local_state import LocalState, state_folder
from runner.missing_shards import missing_shards

BUDGET_STEP = "CheckErrorBudget"
REGISTER_STEP = "RegisterModel"

_NAMES_TOLD = 5
_BLOCK_BYTES = 1024 * 1024
_START_ANEW = "start a new run with `batchscore run`"


@dataclass(frozen=True, kw_only=True)
class Resumption:
    """What is left to do of one run.

    Attributes:
        record: Of the run so far.
        plan: What its preparation decided.
        shards_uri: Prefix of its shards; ends with `/`.
        all: All shards, in the order in which they were cut.
        missing: Those without an output.
        model_package_arn: The package that scores; empty where the run was lost before it was registered.
    """

    record: RunRecord
    plan: ScoringPlan
    shards_uri: str
    all: tuple[Shard, ...]
    missing: tuple[Shard, ...]
    model_package_arn: str

    @property
    def attempt(self) -> int:
        """Number of the attempt that resumes the run, from 2."""
        return self.record.attempt + 1

    @property
    def resume_at(self) -> str:
        """Where the run is taken up: `register`, `score` or `report`."""
        if not self.model_package_arn:
            return "register"
        return "score" if self.missing else "report"


def find_resumption(record: RunRecord, state: LocalState) -> Resumption:
    """Return what is left of a run, having checked that everything for it is there.

    Looks at names and sizes only; for the content, see `check_content`.

    Raises:
        CallerError: The run cannot be resumed; the message says why and what to do instead.
        PlatformError: What its preparation wrote cannot be read.
    """
    _check_came_so_far(record)
    run_uri, package_arn = run_prefix(record), _package(record)
    folder = state.store.path_of(f"{run_uri}plan")
    gone = [str(folder / name) for name in (PLAN_FILE, MANIFEST_FILE) if not (folder / name).is_file()]
    if gone:
        _refuse(record, [f"{path}: is gone" for path in gone])
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
    _refuse(record, [*_faults(resumption, state), *_faults_of_kept(run_uri, manifest, state)])
    return resumption


def check_content(resumption: Resumption, state: LocalState) -> None:
    """Check that contract, model, kept files and the shards still to be scored are what they were.

    Raises:
        CallerError: One is not; every fault is named.
    """
    parameters = resumption.record.parameters
    contract, model = (state.store.path_of(parameters[name]) for name in ("ContractUri", "ModelArtifactUri"))
    faults = _fault_of_fingerprint(contract, lambda: read_contract(contract), resumption)
    if resumption.resume_at != "report":
        find = find_contract if has_model_image(resumption.record) else check_artifact
        faults += _fault_of_fingerprint(model, lambda: find(model), resumption)
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
            faults.append(f"{place}: {_named(names)} changed since they were cut (SHA-256 differs)")
    _refuse(resumption.record, faults)


def has_model_image(record: RunRecord) -> bool:
    """Whether the model of the run has an image of its own, and its artifact perhaps no contract."""
    return bool(record.choices.get("model_image"))


def run_prefix(record: RunRecord) -> str:
    """Return the prefix below which the run keeps what is its own."""
    return f"{str(record.parameters['OutputUri']).rstrip('/')}/runs/{record.run_id}/"


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


def _check_came_so_far(record: RunRecord) -> None:
    if record.status == "Executing":
        raise CallerError(
            f"run {record.run_id} is still executing (process {record.process_id}); "
            "wait for its end, or stop it first"
        )
    if record.status == "Succeeded":
        raise CallerError(
            f"run {record.run_id} has succeeded, nothing of it is left to do; "
            f"see `batchscore results {record.run_id}`"
        )
    budget = record.steps.get(BUDGET_STEP)
    if budget is not None and budget.outcome == "no":
        raise CallerError(
            f"run {record.run_id} was ended by its error budget and would be again: "
            f"{record.failure_reason}; then {_START_ANEW}"
        )
    for name, step in record.steps.items():
        if step.status == "Failed" and step.is_by_rules:
            raise CallerError(
                f"run {record.run_id} was ended by its own rules in {name} and would be again: "
                f"{record.failure_reason}; then {_START_ANEW}"
            )
    if budget is None or budget.status != "Succeeded":
        raise CallerError(
            f"run {record.run_id} was lost before its input was prepared and checked, "
            f"so that there is nothing to resume from; {_START_ANEW}"
        )


def _package(record: RunRecord) -> str:
    step = record.steps.get(REGISTER_STEP)
    return step.made if step is not None else ""


def _output_names(run_uri: str, state: LocalState) -> list[str]:
    """Return the names of the outputs; a machine that lost power may leave a file without its content."""
    return [entry.path.name for entry in state.store.list(f"{run_uri}transform/") if entry.byte_count]


def _faults(resumption: Resumption, state: LocalState) -> Iterator[str]:
    """Yield what is gone of contract, model, package and the shards still to be scored."""
    needed = ["ContractUri"] if resumption.resume_at == "report" else ["ContractUri", "ModelArtifactUri"]
    for name in needed:
        path = state.store.path_of(resumption.record.parameters[name])
        if not path.is_file():
            yield f"{path}: is gone ({name})"
    if resumption.resume_at == "score":
        yield from _faults_of_package(resumption.model_package_arn, state)
    folder = state.store.path_of(resumption.shards_uri)
    faults = {shard.name: _fault_of_size(folder / shard.name, shard) for shard in resumption.missing}
    for kind in ("is gone", "has another size than when it was cut"):
        names = [name for name, found in faults.items() if found == kind]
        if names:
            yield f"{folder}: {_named(names)}: {kind}"


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
        yield f"{folder}: {_named(gone)}: is gone"
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


def _refuse(record: RunRecord, faults: list[str]) -> None:
    if faults:
        raise CallerError(
            f"run {record.run_id} cannot be resumed; put back what is gone or changed, or {_START_ANEW}:\n"
            + "\n".join(faults)
        )


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _NAMES_TOLD} more" if len(names) > _NAMES_TOLD else ""
    return ", ".join(names[:_NAMES_TOLD]) + more
