"""Local state: runs are found newest first, files keep what they were, folders are linked and not copied."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from contracts.errors import CallerError, PlatformError
from emulator.run_record import RunRecord, write_record
from runner.local_state import LocalState, state_folder

pytestmark = pytest.mark.functional


def state_with_runs(folder: Path, *started_at: str) -> LocalState:
    state = LocalState(root=folder)
    for moment in started_at:
        record = RunRecord(
            run_id=f"run-{moment}", pipeline_name="candidate", parameters={}, process_id=1, started_at=moment
        )
        write_record(state.run_folder(record.run_id), record)
    return state


def test_the_newest_run_is_taken_if_none_is_named(tmp_path: Path) -> None:
    state = state_with_runs(tmp_path, "2026-01-02", "2026-01-03", "2026-01-01")

    assert state.run(None).run_id == "run-2026-01-03"
    assert state.run("run-2026-01-01").started_at == "2026-01-01"


def test_an_unknown_run_is_answered_with_near_matches(tmp_path: Path) -> None:
    state = state_with_runs(tmp_path, "2026-01-02")

    with pytest.raises(CallerError, match=r"no run 'run-2026-01-22'; did you mean 'run-2026-01-02'\?"):
        state.run("run-2026-01-22")


def test_a_state_without_runs_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="no run yet; start one with `batchscore run`"):
        LocalState(root=tmp_path).run(None)


def test_a_kept_copy_stays_what_it_was(tmp_path: Path) -> None:
    """A registered model must not change because somebody overwrote the file it came from."""
    state, model = LocalState(root=tmp_path / "state"), tmp_path / "model.tar.gz"
    model.write_bytes(b"first")
    first = state.keep_copy("models", model)
    model.write_bytes(b"second")
    second = state.keep_copy("models", model)

    assert first != second
    assert state.store.path_of(first).read_bytes() == b"first"
    assert first.endswith("/model.tar.gz")


def test_a_linked_folder_shows_its_files_without_a_copy(tmp_path: Path) -> None:
    state, data = LocalState(root=tmp_path / "state"), tmp_path / "data"
    (data / "deep").mkdir(parents=True)
    (data / "deep" / "x.csv").write_bytes(b"1")

    uri = state.link("input", data)

    (stored,) = state.store.list(uri)
    assert stored.uri == uri + "deep/x.csv"
    assert stored.path.resolve() == data / "deep" / "x.csv"
    assert state.link("input", data) == uri


def test_a_linked_file_comes_alone(tmp_path: Path) -> None:
    """Its siblings, whose names may begin with its own, are not scored with it."""
    state = LocalState(root=tmp_path / "state")
    (tmp_path / "x.csv").write_bytes(b"1")
    (tmp_path / "x.csv.bak").write_bytes(b"2")

    uri = state.link("input", tmp_path / "x.csv")

    assert [stored.uri for stored in state.store.list(uri)] == [uri + "x.csv"]


def test_the_state_folder_is_given_or_from_the_environment_or_here(tmp_path: Path) -> None:
    assert state_folder({"BATCHSCORE_HOME": "/elsewhere"}, tmp_path) == tmp_path
    assert state_folder({"BATCHSCORE_HOME": "/elsewhere"}) == Path("/elsewhere")
    assert state_folder({}) == Path.cwd() / ".batchscore"


def test_a_folder_may_take_the_place_of_a_file_that_was_linked(tmp_path: Path) -> None:
    state, data = LocalState(root=tmp_path / "state"), tmp_path / "x"
    data.write_text("1")
    first = state.link("input", data)
    data.unlink()
    data.mkdir()
    (data / "a.csv").write_text("2")

    second = state.link("input", data)

    assert first != second
    assert [stored.uri for stored in state.store.list(second)] == [second + "a.csv"]


def test_linking_again_leaves_the_link_as_it_is(tmp_path: Path) -> None:
    """Another run may be writing through it at this moment."""
    state = LocalState(root=tmp_path / "state")
    uri = state.link("output", tmp_path)
    link = state.store.path_of(uri)
    before = link.lstat().st_ino

    state.link("output", tmp_path)

    assert link.lstat().st_ino == before


def test_a_run_whose_process_is_gone_is_stopped(tmp_path: Path) -> None:
    """After a SIGKILL or a power cut, nobody was left to write so."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    state = LocalState(root=tmp_path)
    record = RunRecord(
        run_id="r", pipeline_name="candidate", parameters={}, process_id=child.pid, started_at="2026-01-02"
    )
    write_record(state.run_folder("r"), record)

    found = state.run("r")

    assert (found.status, found.failure_reason) == ("Stopped", "the process that executed this run is gone")


def test_a_damaged_record_stands_in_the_way_of_its_own_run_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The power may fail while a record is written."""
    state = state_with_runs(tmp_path, "2026-01-02", "2026-01-03")
    (state.run_folder("run-2026-01-03") / "record.json").write_bytes(b"")

    assert state.run("run-2026-01-02").started_at == "2026-01-02"
    assert state.run(None).run_id == "run-2026-01-02"
    assert "run run-2026-01-03 is left out" in caplog.text
    with pytest.raises(PlatformError, match="cannot be read as the record of a run"):
        state.run("run-2026-01-03")
