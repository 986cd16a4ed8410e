"""What is left to do of a run in AWS that did not come to its end, or why it cannot be resumed.

As for a local run (`runner.resumption`): contract and package must be what they were, shards, kept files
and quarantine must be there and unchanged. SHA-256 of shards would have to be computed by reading all of
them, so that another way is taken here: S3 tells of each object its size, and when it was written, and
nobody can write it again without that moment changing. A shard or kept file is taken as unchanged if it has
the size that the shard manifest says (of kept files it says none) and was not written after the run's error
budget was checked, before which its preparation had ended. That a failure was one by the run's own rules is
not told by AWS; such a run fails again, at the price of its last step. Reads only; changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping

from contracts.contract_file import parse_contract
from contracts.errors import CallerError
from contracts.plan import MANIFEST_FILE, PLAN_FILE, ScoringPlan, Shard, ShardManifest
from runner.aws.model_packages import check_package, find_package
from runner.aws.objects import ObjectFact, object_exists, read_if_there
from runner.aws.run_files import RunFiles
from runner.aws.run_record import AwsRun
from runner.aws.session import AwsConnection
from runner.lost_run import BUDGET_STEP, Resumption, check_came_so_far, named, package_of, refuse, run_prefix

START_ANEW = "start a new run with `batchscore start`"

CLOCK_SLACK = dt.timedelta(seconds=60)
"""By which the clocks of S3 and of SageMaker may differ."""


def find_resumption(run: AwsRun, connection: AwsConnection) -> Resumption:
    """Return what is left of a run, having checked that everything for it is there.

    Raises:
        CallerError: The run cannot be resumed; the message says why and what to do instead.
        PlatformError: What its preparation wrote cannot be read.
    """
    record = run.record
    check_came_so_far(record, START_ANEW)
    run_uri, package_arn = run_prefix(record), package_of(record)
    files = RunFiles(s3=connection.client("s3"), run_uri=run_uri)
    plan, manifest = _prepared(run, files)
    resumption = Resumption(
        record=record,
        plan=plan,
        shards_uri=f"{run_uri}shards/",
        all=manifest.shards,
        missing=files.missing(manifest) if package_arn else manifest.shards,
        model_package_arn=package_arn,
    )
    faults = [*_faults_of_files(resumption, files), *_faults_around(run, resumption, connection)]
    refuse(record, faults, START_ANEW)
    return resumption


def _prepared(run: AwsRun, files: RunFiles) -> tuple[ScoringPlan, ShardManifest]:
    plan, manifest = files.plan(), files.manifest()
    if plan is None or manifest is None:
        found = {PLAN_FILE: plan, MANIFEST_FILE: manifest}
        gone = [
            f"{files.run_uri}plan/{name}: is gone" for name, document in found.items() if document is None
        ]
        refuse(run.record, gone, START_ANEW)
    assert plan is not None  # noqa: S101 - else it was refused
    assert manifest is not None  # noqa: S101
    return plan, manifest


def _faults_of_files(resumption: Resumption, files: RunFiles) -> Iterator[str]:
    prepared_at = dt.datetime.fromisoformat(
        resumption.record.steps[BUDGET_STEP].started_at.replace("Z", "+00:00")
    )
    shards = {shard.name: shard for shard in resumption.missing}
    kept = {shard.kept_name: None for shard in resumption.all}
    yield from _faults_of_objects(f"{files.run_uri}shards/", files.objects("shards"), shards, prepared_at)
    yield from _faults_of_objects(f"{files.run_uri}kept/", files.objects("kept"), kept, prepared_at)
    if not files.objects("quarantine"):
        yield f"{files.run_uri}quarantine/: is gone"


def _faults_of_objects(
    place: str,
    found: Mapping[str, ObjectFact],
    wanted: Mapping[str, Shard] | Mapping[str, None],
    prepared_at: dt.datetime,
) -> Iterator[str]:
    """Yield what is gone or changed of the objects that must be there, by their names."""
    latest = prepared_at + CLOCK_SLACK
    faults: dict[str, list[str]] = {"is gone": [], "has another size than when it was cut": []}
    faults["was written again since the run was prepared"] = []
    for name, shard in wanted.items():
        fact = found.get(name)
        if fact is None:
            faults["is gone"].append(name)
        elif shard is not None and fact.byte_count != shard.byte_count:
            faults["has another size than when it was cut"].append(name)
        elif fact.modified_at > latest:
            faults["was written again since the run was prepared"].append(name)
    yield from _told(place, faults.items())


def _told(place: str, faults: Iterable[tuple[str, list[str]]]) -> Iterator[str]:
    for kind, names in faults:
        if names:
            yield f"{place}: {named(names)}: {kind}"


def _faults_around(run: AwsRun, resumption: Resumption, connection: AwsConnection) -> Iterator[str]:
    """Yield what is gone or changed of contract, model artifact and model package."""
    s3, parameters = connection.client("s3"), run.record.parameters
    yield from _faults_of_contract(read_if_there(s3, parameters["ContractUri"]), resumption)
    if resumption.resume_at == "register" and not object_exists(s3, parameters["ModelArtifactUri"]):
        yield f"{parameters['ModelArtifactUri']}: is gone (ModelArtifactUri)"
    if resumption.resume_at == "score":
        # A candidate's package scores while it waits for its approval; production's must be approved still.
        find = find_package if run.shape.resumed == "candidate" else check_package
        try:
            find(connection, resumption.model_package_arn)
        except CallerError as fault:
            yield str(fault)


def _faults_of_contract(content: bytes | None, resumption: Resumption) -> Iterator[str]:
    uri = resumption.record.parameters["ContractUri"]
    if content is None:
        yield f"{uri}: is gone (ContractUri)"
        return
    try:
        found = parse_contract(content, name=uri).fingerprint
    except CallerError as fault:
        yield str(fault)
        return
    expected = resumption.plan.contract_fingerprint
    if found != expected:
        yield f"{uri}: has the fingerprint {found}, but the shards were made under {expected}"
