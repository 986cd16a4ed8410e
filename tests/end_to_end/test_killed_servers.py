"""Servers, their workers and whole runs are killed at random moments: no record is lost or scored twice.

A run whose input is prepared is resumed, and meanwhile something of it gets SIGKILL; resumed again, and so
on, until it is let go. `make test-faults TRIALS=100` makes more trials than `make test` does.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from killable_run import FAILED, SUCCEEDED, kill_something, start_resumption
from tiny_customers import TinyBusiness, published

from contracts.errors import BatchScoreError
from emulator.images import LocalImage
from runner.container_code import local_image
from runner.local_run import RunOptions, new_run_id, run_locally
from runner.results import results_of

pytestmark = pytest.mark.end_to_end

TRIALS = int(os.environ.get("TRIALS", "6"))
LATEST_KILL_SECONDS = 1.5
"""About as long as a resumption takes from its start to the end of its report."""
MOST_KILLS = 3
OWN_COLUMNS = ["run_id", "model_package_arn"]
"""What tells the scores of two runs apart."""
OPTIONS = RunOptions(
    wire="csv",
    instance_count=2,
    parameters={"MaxQuarantineFraction": "0.25", "RunDate": "2026-11-23", "MaxConcurrentTransforms": "2"},
)


class PreparedRun:
    """A run that was lost when nothing was scored yet, and what an undisturbed one of its kind came to."""

    def __init__(self, folder: Path, patched: pytest.MonkeyPatch) -> None:
        self.business = TinyBusiness(folder / "business")
        self.state = self.business.state
        self.state.root.mkdir()
        (folder / "definitions").mkdir()  # outlasts every trial: compiling a definition takes seconds
        (self.state.root / "definitions").symlink_to(folder / "definitions")
        whole = self.business.run(OPTIONS)
        self.scores = published(whole).drop_columns(OWN_COLUMNS)
        self.outputs = {name: content for name, (content, _) in self.transformed(whole.record.run_id).items()}
        shutil.rmtree(self.business.output / "scores")
        self.run_id = new_run_id()
        patched.setattr("runner.container_code.local_image", _without_server)
        with pytest.raises(BatchScoreError):
            run_locally(self.business.places, OPTIONS, self.state, self.run_id, lambda _: None)
        self._snapshot = folder / "snapshot"
        shutil.copytree(self.business.folder, self._snapshot, symlinks=True)

    def restore(self) -> None:
        """Put everything back to when the run was lost."""
        shutil.rmtree(self.business.folder)
        shutil.copytree(self._snapshot, self.business.folder, symlinks=True)

    def transformed(self, run_id: str) -> dict[str, tuple[bytes, int]]:
        """Return content and time of writing of each output of the transform job, by name."""
        folder = self.business.output / "runs" / run_id / "transform"
        return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.glob("*.out")}


def _without_server() -> LocalImage:
    image = local_image()
    return LocalImage(python=image.python, serve_entrypoint=("sh", "-c", "kill -9 $$"))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedRun:
    with pytest.MonkeyPatch.context() as patched:
        return PreparedRun(tmp_path_factory.mktemp("killed"), patched)


@pytest.mark.parametrize("seed", range(TRIALS))
def test_whatever_is_killed_whenever_every_record_is_scored_once(
    prepared: PreparedRun, seed: int, record_property: Callable[[str, object], None]
) -> None:
    """Outputs that are there stay untouched; at the end scores and outputs are those of an undisturbed run.

    Every tenth trial has the real model server, the others a stand-in that takes its time.
    """
    chance = random.Random(seed)  # noqa: S311 - to be the same every time
    prepared.restore()
    code, story = FAILED, []
    kills_left = chance.randint(1, MOST_KILLS)
    while code != SUCCEEDED:
        before = prepared.transformed(prepared.run_id)
        process = start_resumption(prepared.run_id, prepared.state.root, has_real_server=seed % 10 == 0)
        victim = "nothing"
        if kills_left:
            kills_left -= 1
            process.join(chance.uniform(0, LATEST_KILL_SECONDS))
            victim = kill_something(process, prepared.state.root, chance)
        process.join()
        code = process.exitcode
        story.append((victim, code, len(before)))
        assert code in (SUCCEEDED, FAILED, -signal.SIGKILL), story
        assert victim in ("run", "container") or code == SUCCEEDED, story
        after = prepared.transformed(prepared.run_id)
        assert {name: after[name] for name in before} == before, story
        if victim == "run" and prepared.state.run(prepared.run_id).status == "Succeeded":
            code = SUCCEEDED  # it was killed when all was done
    record_property("story", story)

    check_scored_once(prepared)


def check_scored_once(prepared: PreparedRun) -> None:
    """Compare outputs and published scores with those of the undisturbed run."""
    outputs = prepared.transformed(prepared.run_id)
    assert {name: content for name, (content, _) in outputs.items()} == prepared.outputs
    results = results_of(prepared.state.run(prepared.run_id), prepared.state)
    scores: pa.Table = published(results).drop_columns(OWN_COLUMNS)
    assert scores.equals(prepared.scores)
    assert len(set(scores["customer_id"].to_pylist())) == scores.num_rows == 11
    assert results.counts == {"read": 14, "valid": 11, "quarantined": 3, "scored": 11, "unscorable": 0}
