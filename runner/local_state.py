"""Where local runs live: `.batchscore/` with the objects, the model registry and one folder a run.

.batchscore/
  objects/<bucket>/<key>     stands for S3; objects/laptop/ holds links to the folders of --input, --output
  registry.sqlite            model packages and models
  definitions/               compiled definitions, see runner.definition_cache
  runs/<run id>/             definition.json, record.json, lock, steps/<step>/*.log; profile.json if asked for
  runs/<run id>/attempt-2/   definition.json, steps/<step>/*.log of the first resumption; and so on
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from contracts.atomic_files import PARTIAL_SUFFIX, whole_file
from contracts.errors import CallerError, PlatformError, near_matches
from emulator.object_store import SCHEME, ObjectStore
from emulator.registry import ModelRegistry
from emulator.run_record import RECORD_FILE, RunRecord, read_record
from runner.run_lock import is_held

STATE_FOLDER = ".batchscore"
STATE_VARIABLE = "BATCHSCORE_HOME"
LAPTOP_BUCKET = "laptop"
DEFINITION_FILE = "definition.json"
_logger = logging.getLogger(__name__)

REGISTRY_FILE = "registry.sqlite"


def state_folder(environment: Mapping[str, str], folder: Path | None = None) -> Path:
    """Return the folder of local state: the given one, else the environment's, else `.batchscore` here."""
    return (folder or Path(environment.get(STATE_VARIABLE, STATE_FOLDER))).absolute()


@dataclass(frozen=True, kw_only=True)
class LocalState:
    """The local state below one folder.

    Attributes:
        root: The folder; made when something is first written.
    """

    root: Path

    @property
    def store(self) -> ObjectStore:
        """The object store."""
        return ObjectStore(self.root / "objects")

    @property
    def has_registry(self) -> bool:
        """Whether a model was ever registered here."""
        return (self.root / REGISTRY_FILE).exists()

    @property
    def registry(self) -> ModelRegistry:
        """The model registry."""
        return ModelRegistry(self.root / REGISTRY_FILE)

    def run_folder(self, run_id: str) -> Path:
        """Return the folder of a run, whether it exists or not."""
        return self.root / "runs" / run_id

    def run_ids(self) -> set[str]:
        """Return the ids of all runs."""
        return {path.parent.name for path in (self.root / "runs").glob(f"*/{RECORD_FILE}")}

    def runs(self) -> list[RunRecord]:
        """Return the record of every run, newest first; one that cannot be read is named in the log."""
        found = (_readable(self.run_folder(run_id)) for run_id in self.run_ids())
        return sorted((run for run in found if run), key=lambda run: run.started_at, reverse=True)

    def run(self, run_id: str | None) -> RunRecord:
        """Return the run of that id, or the newest if none is named.

        Raises:
            CallerError: There is no such run; near matches are named.
            PlatformError: Its record cannot be read.
        """
        if run_id in self.run_ids():
            folder = self.run_folder(run_id)
            return _as_it_is(read_record(folder), folder)
        runs = self.runs()
        if not runs:
            raise CallerError(
                f"{self.root}: no run yet; start one with `batchscore run` or name another --state"
            )
        if run_id is None:
            return runs[0]
        raise CallerError(f"no run {run_id!r}; {near_matches(run_id, [run.run_id for run in runs])}")

    def keep_copy(self, kind: str, path: Path) -> str:
        """Copy a file to a place named by its content, so that it stays what it is; return its URI."""
        with path.open("rb") as stream:
            digest = hashlib.sha256()
            while block := stream.read(1024 * 1024):
                digest.update(block)
        uri = f"{SCHEME}{LAPTOP_BUCKET}/{kind}/{digest.hexdigest()[:16]}/{path.name}"
        target = self.store.path_of(uri)
        if not target.exists():
            with path.open("rb") as source, whole_file(target) as stream:
                shutil.copyfileobj(source, stream)
        return uri

    def link(self, kind: str, path: Path) -> str:
        """Show a folder, or one file alone, in the object store without copying; return its prefix."""
        path = path.resolve()
        shape = "folder" if path.is_dir() else "file"
        name = f"{kind}-{hashlib.sha256(f'{shape} {path}'.encode()).hexdigest()[:12]}"
        place = self.store.root / LAPTOP_BUCKET / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if shape == "folder":
            _point(place, path)
        else:
            place.mkdir(exist_ok=True)
            _point(place / path.name, path)
        return f"{SCHEME}{LAPTOP_BUCKET}/{name}/"


def _point(link: Path, target: Path) -> None:
    """Make `link` point to `target`, at every moment either as before or as wanted."""
    if link.is_symlink() and link.readlink() == target:
        return
    fresh = link.with_name(f".{link.name}.{uuid.uuid4().hex}{PARTIAL_SUFFIX}")
    fresh.symlink_to(target)
    fresh.replace(link)


def _readable(folder: Path) -> RunRecord | None:
    """Return a run's record; a damaged one must not stand in the way of all other runs."""
    try:
        return _as_it_is(read_record(folder), folder)
    except PlatformError as error:
        _logger.warning("run %s is left out: %s", folder.name, error)
        return None


def _as_it_is(record: RunRecord, folder: Path) -> RunRecord:
    """Return a record that says `Stopped` where the process that executed the run is gone without a word.

    The lock tells more than the process id, which somebody else's process may have by now.
    """
    if record.status != "Executing":
        return record
    lock_is_held = is_held(folder)
    if lock_is_held or (lock_is_held is None and _is_alive(record.process_id)):
        return record
    return lost(record)


def lost(record: RunRecord) -> RunRecord:
    """Return the record of a run whose process went away while the run was executing."""
    return replace(record, status="Stopped", failure_reason="the process that executed this run is gone")


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is somebody else's, and lives
        return True
    return True
