"""What is left of a run is told from its record and its files, and so is why nothing can be done with it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from small_machine import put
from tiny_artifact import write_artifact, write_contract

from contracts.contract_file import read_contract
from contracts.errors import CallerError
from contracts.plan import ScoringPlan, Shard, ShardManifest, SourceObject, write_plan
from emulator.run_record import RunRecord, StepRecord
from runner.local_state import LocalState, lost
from runner.results import results_of
from runner.resumption import check_content, find_resumption, resume_command

pytestmark = pytest.mark.functional

RUN = "s3://laptop/out/runs/r1/"
SHARDS = {f"shard-00-{number:05d}.csv": f"{number}\n".encode() for number in range(3)}


def step(status: str = "Succeeded", **more: str) -> StepRecord:
    return StepRecord(type="any", status=status, started_at="2026-11-23T06:00:00.000Z", **more)


class LostRun:
    """A run on disk that lost its transform job after the first of three shards."""

    def __init__(self, folder: Path) -> None:
        self.state = LocalState(root=folder / "state")
        self.store = self.state.store
        contract = write_contract(folder / "contract.json")
        self.parameters = {
            "OutputUri": "s3://laptop/out/",
            "ContractUri": self.state.keep_copy("contracts", contract),
            "ModelArtifactUri": self.state.keep_copy("models", write_artifact(folder / "model.tar.gz")),
        }
        package = self.state.registry.register({"ModelPackageGroupName": "churn"}, created_at="now")
        self.record = RunRecord(
            run_id="r1",
            pipeline_name="candidate",
            parameters=self.parameters,
            process_id=1,
            started_at="2026-11-23T06:00:00.000Z",
            status="Failed",
            steps={
                "PrepareInput": step(),
                "CheckErrorBudget": step(outcome="yes"),
                "RegisterModel": step(made=package.arn),
                "ScoreShards": step("Failed", outcome="the model server was killed"),
            },
        )
        for name, content in SHARDS.items():
            put(self.store, f"{RUN}shards/{name}", content)
            put(self.store, f"{RUN}kept/{name.replace('.csv', '.arrow')}", b"kept")
        put(self.store, f"{RUN}quarantine/algo-1.parquet", b"held back")
        put(self.store, f"{RUN}transform/shard-00-00000.csv.out", b"1.0\n")
        self._write_plan(read_contract(contract).fingerprint)

    def _write_plan(self, fingerprint: str) -> None:
        shards = tuple(
            Shard(
                name=name,
                record_count=1,
                byte_count=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
                kept_sha256=hashlib.sha256(b"kept").hexdigest(),
            )
            for name, content in SHARDS.items()
        )
        source = SourceObject(source_key="a.csv", byte_count=6, record_count=3, quarantined_count=0)
        plan = ScoringPlan(
            contract_fingerprint=fingerprint,
            wire_format="csv",
            record_count=3,
            valid_count=3,
            quarantined_count=0,
            quarantined_fraction=0.0,
            source_byte_count=6,
            shard_count=3,
            shard_byte_count=6,
            transform_instance_count=1,
            prepare_seconds=0.1,
        )
        manifest = ShardManifest(shards=shards, sources=(source,), reason_counts={}, prepare_seconds=0.1)
        write_plan(self.store.path_of(f"{RUN}plan"), plan, manifest)

    def path(self, name: str) -> Path:
        """Return the file of one of the run's objects."""
        return self.store.path_of(RUN + name)

    def refusal(self, **changes: object) -> str:
        """Return why the run, with a changed record, cannot be resumed, and nobody is told that it can."""
        record = replace(self.record, **changes)  # type: ignore[arg-type]  # the changes are the test's own
        with pytest.raises(CallerError) as caught:
            find_resumption(record, self.state)
        assert resume_command(record, self.state) is None
        return str(caught.value.args[0])

    def refused_content(self) -> str:
        """Return what is wrong with the content of what is there."""
        with pytest.raises(CallerError) as caught:
            check_content(find_resumption(self.record, self.state), self.state)
        return str(caught.value)


@pytest.fixture
def run(tmp_path: Path) -> LostRun:
    return LostRun(tmp_path)


def without(run: LostRun, name: str) -> dict[str, StepRecord]:
    return {key: value for key, value in run.record.steps.items() if key != name}


def test_shards_without_an_output_are_left_to_score(run: LostRun) -> None:
    """A partial file is no output, and neither is one that a power cut left empty."""
    put(run.store, f"{RUN}transform/.shard-00-00001.csv.out.1.partial", b"2.")
    put(run.store, f"{RUN}transform/shard-00-00002.csv.out", b"")

    resumption = find_resumption(run.record, run.state)
    check_content(resumption, run.state)

    assert [shard.name for shard in resumption.missing] == list(SHARDS)[1:]
    assert resumption.resume_at == "score"
    assert resume_command(run.record, run.state) == f"batchscore resume r1 --state {run.state.root}"


def test_with_all_outputs_only_the_report_is_left(run: LostRun) -> None:
    """It needs no model any more."""
    for name in SHARDS:
        put(run.store, f"{RUN}transform/{name}.out", b"1.0\n")
    run.store.path_of(run.parameters["ModelArtifactUri"]).unlink()

    resumption = find_resumption(run.record, run.state)
    check_content(resumption, run.state)

    assert (resumption.resume_at, resumption.missing) == ("report", ())


def test_without_a_package_everything_is_left_but_the_preparation(run: LostRun) -> None:
    resumption = find_resumption(replace(run.record, steps=without(run, "RegisterModel")), run.state)

    assert (resumption.resume_at, len(resumption.missing)) == ("register", 3)


def test_a_run_whose_process_is_gone_can_be_resumed(run: LostRun) -> None:
    assert resume_command(lost(replace(run.record, status="Executing")), run.state) is not None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "Executing", "process_id": 7}, "run r1 is still executing (process 7); wait"),
        ({"status": "Succeeded"}, "run r1 has succeeded, nothing of it is left to do"),
        ({"steps": {"PrepareInput": step("Failed")}}, "was lost before its input was prepared and checked"),
        ({"steps": {"CheckErrorBudget": step("Executing")}}, "was lost before its input was prepared"),
        (
            {"steps": {"CheckErrorBudget": step(outcome="no")}, "failure_reason": "3 of 14"},
            "was ended by its error budget and would be again: 3 of 14",
        ),
    ],
)
def test_a_run_of_which_nothing_is_left_is_refused(
    run: LostRun, changes: dict[str, object], reason: str
) -> None:
    """And says what to do instead."""
    assert reason in run.refusal(**changes)


def test_everything_that_is_gone_is_told_at_once(run: LostRun) -> None:
    for uri in (run.parameters["ContractUri"], run.parameters["ModelArtifactUri"]):
        run.store.path_of(uri).unlink()
    run.path("shards/shard-00-00001.csv").unlink()
    run.path("shards/shard-00-00002.csv").write_bytes(b"longer than before\n")
    run.path("kept/shard-00-00000.arrow").unlink()
    run.path("quarantine/algo-1.parquet").unlink()
    steps = {**run.record.steps, "RegisterModel": step(made="arn:of-nobody/1")}

    message = run.refusal(steps=steps)

    for fault in (
        "contract.json: is gone (ContractUri)",
        "model.tar.gz: is gone (ModelArtifactUri)",
        "no model package 'arn:of-nobody/1'",
        "shards: shard-00-00001.csv: is gone",
        "shards: shard-00-00002.csv: has another size than when it was cut",
        "kept: shard-00-00000.arrow: is gone",
        "quarantine: is gone",
    ):
        assert fault in message
    assert "put back what is gone or changed, or start a new run with `batchscore run`" in message


def test_a_registry_that_is_gone_is_told_and_not_made_anew(run: LostRun) -> None:
    (run.state.root / "registry.sqlite").unlink()

    assert "the model registry is gone" in run.refusal()
    assert not run.state.has_registry


def test_a_plan_that_is_gone_is_named(run: LostRun) -> None:
    run.path("plan/shard_manifest.json").unlink()

    assert "shard_manifest.json: is gone" in run.refusal()


def test_a_shard_with_other_bytes_is_found_by_its_checksum(run: LostRun) -> None:
    """The first shard is scored already, so that nobody looks at it."""
    for name in SHARDS:
        run.path(f"shards/{name}").write_bytes(b"9\n")

    message = run.refused_content()

    assert "shard-00-00001.csv, shard-00-00002.csv changed since they were cut" in message
    assert "shard-00-00000" not in message


def test_a_contract_or_a_model_of_another_kind_is_found_by_its_fingerprint(run: LostRun) -> None:
    contract, model = (
        run.store.path_of(run.parameters[name]) for name in ("ContractUri", "ModelArtifactUri")
    )
    write_contract(contract, missingValues=["NA"])
    model.write_bytes(b"no archive")

    message = run.refused_content()

    assert "contract.json: has the fingerprint" in message
    assert "model.tar.gz" in message


def test_results_say_that_a_run_was_resumed_and_how_it_can_be(run: LostRun) -> None:
    record = replace(run.record, resumed_at=("2026-11-23T07:00:00.000Z",))

    document = results_of(record, run.state).as_json()

    assert document["resumed_at"] == ["2026-11-23T07:00:00.000Z"]
    assert document["resume_command"] == f"batchscore resume r1 --state {run.state.root}"


def test_a_kept_file_that_changed_is_refused_before_anything_is_scored(run: LostRun) -> None:
    """On the recordio wire it is the only place where the ids are."""
    run.path("kept/shard-00-00001.arrow").write_bytes(b"kexx")

    assert "shard-00-00001.arrow changed since they were cut" in run.refused_content()


def test_a_run_that_ended_by_its_own_rules_is_refused(run: LostRun) -> None:
    """Late duplicates over the budget would be over it again."""
    report = replace(run.record.steps["ScoreShards"], is_by_rules=True)

    assert "ended by its own rules in ReportRun" in run.refusal(
        steps={**run.record.steps, "ReportRun": report}
    )
