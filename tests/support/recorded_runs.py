"""Pipeline executions that answer as the service documents it, in front of moto, which cannot.

Moto lets every execution succeed at once and answers 500 to `ListPipelineExecutionSteps` and to stops. Here a
test says how an execution, its steps and their jobs are; each answer is checked against botocore's shape, as
the Stubber does it. All other calls go on to moto: buckets, pipelines, model packages.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.validate import ParamValidator
from emulated_aws import PLACES, REGION, connection
from moto.s3.models import s3_backends
from tiny_artifact import CONTRACT

from contracts.contract_file import parse_contract
from contracts.plan import ScoringPlan, Shard, ShardManifest, SourceObject
from runner.aws.session import AwsConnection

ACCOUNT = "123456789012"
GOLDEN = Path(__file__).parent.parent / "golden"
SHARDS = {f"shard-00-{number:05d}.csv": f"{number}\n".encode() for number in range(3)}
BASE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
PACKAGE = f"{BASE}:model-package/churn/1"
START = dt.datetime(2100, 1, 4, 6, 0, tzinfo=dt.timezone.utc)
"""Later than any moment at which moto writes an object."""


def after(minutes: float) -> dt.datetime:
    """Return the moment so many minutes after START."""
    return START + dt.timedelta(minutes=minutes)


def arn_of(run_id: str, pipeline: str = "batchscore-production") -> str:
    """Return the ARN of an execution."""
    return f"{BASE}:pipeline/{pipeline}/execution/{run_id}"


@dataclass(kw_only=True)
class RecordedRun:
    """One execution, which a test may change between two questions.

    Attributes:
        arn: Its ARN.
        definition: JSON text.
        parameters: As AWS lists them.
        status: As DescribePipelineExecution says.
        steps: As ListPipelineExecutionSteps lists them.
        started_at: When it was created.
        ended_at: When it was modified last.
        reason: Of the execution itself.
    """

    arn: str
    definition: str
    parameters: dict[str, str]
    status: str = "Executing"
    steps: list[dict[str, Any]] = field(default_factory=list)
    started_at: dt.datetime = START
    ended_at: dt.datetime = START
    reason: str = ""

    def step(self, name: str, status: str, begin: float, end: float | None = None, **more: Any) -> None:
        """Add a step, or say anew how it is; moments are minutes after START."""
        entry = {"StepName": name, "StepStatus": status, "StartTime": after(begin), "AttemptCount": 1, **more}
        if end is not None:
            entry["EndTime"] = after(end)
        self.steps = [one for one in self.steps if one["StepName"] != name] + [entry]


class RecordedAws:
    """Executions and jobs by their names; and what was asked to be started and stopped."""

    def __init__(self) -> None:
        self.runs: dict[str, RecordedRun] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.started: list[dict[str, Any]] = []
        self.stopped: list[str] = []
        self.errors: list[tuple[str, str, str]] = []
        self.error_status = 400
        self.calls: list[str] = []
        self._refusal: tuple[str, str] | None = None
        self._given: dict[str, Any] = {}
        self.answers: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
            "DescribePipelineExecution": self._describe,
            "ListPipelineExecutionSteps": self._steps,
            "ListPipelineExecutions": self._list,
            "ListPipelineParametersForExecution": self._parameters,
            "DescribePipelineDefinitionForExecution": self._definition,
            "DescribePipeline": self._pipeline,
            "DescribeProcessingJob": lambda given: self.jobs[given["ProcessingJobName"]],
            "DescribeTransformJob": lambda given: self.jobs[given["TransformJobName"]],
            "StopPipelineExecution": self._stop,
            "StartPipelineExecution": self._start,
        }

    def add(self, run: RecordedRun) -> RecordedRun:
        """Add an execution."""
        self.runs[run.arn] = run
        return run

    def fail_next(self, operation: str, code: str, message: str = "no") -> None:
        """Let the next call of an operation be refused."""
        self.errors.append((operation, code, message))

    def refuse(self, code: str, message: str) -> None:
        """Let an answer that is None be a refusal, instead of moto's."""
        self._refusal = (code, message)

    def _refused(self, code: str, message: str) -> tuple[AWSResponse, dict[str, Any]]:
        document = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": self.error_status},
        }
        return AWSResponse("", self.error_status, {}, None), document

    def transform_job(self, name: str, status: str, **more: Any) -> dict[str, Any]:
        """Add a transform job of two instances; return the metadata of its step."""
        arn = f"{BASE}:transform-job/{name}"
        self.jobs[name] = {
            "TransformJobName": name,
            "TransformJobArn": arn,
            "TransformJobStatus": status,
            "ModelName": "m",
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/k"}}
            },
            "TransformResources": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2},
            "CreationTime": START,
            **more,
        }
        return {"TransformJob": {"Arn": arn}}

    def processing_job(self, name: str, status: str, **more: Any) -> dict[str, Any]:
        """Add a processing job of one instance; return the metadata of its step."""
        arn = f"{BASE}:processing-job/{name}"
        cluster = {"InstanceType": "ml.m5.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 100}
        self.jobs[name] = {
            "ProcessingJobName": name,
            "ProcessingJobArn": arn,
            "ProcessingJobStatus": status,
            "ProcessingResources": {"ClusterConfig": cluster},
            "AppSpecification": {"ImageUri": "i"},
            "CreationTime": START,
            **more,
        }
        return {"ProcessingJob": {"Arn": arn}}

    def stand_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Answer every SageMaker client that is made from now on."""
        client_of = AwsConnection.client
        made: dict[str, Any] = {}  # one of each, as making them takes longer than all else

        def client(own: AwsConnection, name: str, **rest: Any) -> Any:
            if name not in made:
                made[name] = client_of(own, name, **rest)
                events = made[name].meta.events
                events.register("provide-client-params.sagemaker", self._hear, unique_id="hear")
                events.register("before-call.sagemaker", self._answer, unique_id="answer")
            return made[name]

        monkeypatch.setattr(AwsConnection, "client", client)

    def _hear(self, params: dict[str, Any], **_: Any) -> None:
        self._given = params

    def _answer(self, model: Any, **_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
        self.calls.append(model.name)
        for error in self.errors:
            if error[0] == model.name:
                self.errors.remove(error)
                return self._refused(error[1], error[2])
        if model.name not in self.answers:
            return None
        given = self._given
        arn = given.get("PipelineExecutionArn")
        if arn is not None and arn not in self.runs:
            return self._refused("ResourceNotFound", f"Pipeline execution with ARN {arn} does not exist.")
        document = self.answers[model.name](given)
        if document is None:
            return self._refused(*self._refusal) if self._refusal else None
        report = ParamValidator().validate(document, model.output_shape)
        assert not report.has_errors(), report.generate_report()
        return AWSResponse("", 200, {}, None), {**document, "ResponseMetadata": {"HTTPStatusCode": 200}}

    def _describe(self, given: dict[str, Any]) -> dict[str, Any]:
        run = self.runs[given["PipelineExecutionArn"]]
        answer = {
            "PipelineArn": run.arn.split("/execution/")[0],
            "PipelineExecutionArn": run.arn,
            "PipelineExecutionStatus": run.status,
            "CreationTime": run.started_at,
            "LastModifiedTime": run.ended_at,
        }
        return {**answer, "FailureReason": run.reason} if run.reason else answer

    def _steps(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"PipelineExecutionSteps": self.runs[given["PipelineExecutionArn"]].steps}

    def _list(self, given: dict[str, Any]) -> dict[str, Any]:
        assert given["SortOrder"] == "Descending"  # the service's own default is ascending
        name = f":pipeline/{given['PipelineName'].lower()}/"
        runs = [run for run in self.runs.values() if name in run.arn]
        summaries = [
            {
                "PipelineExecutionArn": run.arn,
                "StartTime": run.started_at,
                "PipelineExecutionStatus": run.status,
            }
            for run in sorted(runs, key=lambda run: run.started_at, reverse=True)
        ]
        return {"PipelineExecutionSummaries": summaries}

    def _parameters(self, given: dict[str, Any]) -> dict[str, Any]:
        parameters = self.runs[given["PipelineExecutionArn"]].parameters
        return {"PipelineParameters": [{"Name": name, "Value": value} for name, value in parameters.items()]}

    def _definition(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"PipelineDefinition": self.runs[given["PipelineExecutionArn"]].definition}

    def _pipeline(self, given: dict[str, Any]) -> dict[str, Any] | None:
        """Answer for an ARN, which the service takes as well as a name [src]; moto takes names only."""
        name = given["PipelineName"]
        if not name.startswith("arn:"):
            return None
        return {"PipelineArn": name, "PipelineName": "Batchscore-Production"}

    def _stop(self, given: dict[str, Any]) -> dict[str, Any]:
        assert len(given["ClientRequestToken"]) >= 32
        self.stopped.append(given["PipelineExecutionArn"])
        self.runs[given["PipelineExecutionArn"]].status = "Stopping"
        return {"PipelineExecutionArn": given["PipelineExecutionArn"]}

    def _start(self, given: dict[str, Any]) -> dict[str, Any]:
        self.started.append(given)
        arn = arn_of(f"started{len(self.started):05d}", given["PipelineName"])
        listed = {entry["Name"]: entry["Value"] for entry in given["PipelineParameters"]}
        began = after(60 * len(self.started))
        self.add(RecordedRun(arn=arn, definition="{}", parameters=listed, started_at=began))
        return {"PipelineExecutionArn": arn}


class LostRun:
    """A production run that lost its transform job after the first of three shards, with its objects."""

    def __init__(self, aws: RecordedAws, *, run_id: str = "run1", package_arn: str = PACKAGE) -> None:
        self.aws, self.run_id = aws, run_id
        self.uri = f"s3://data/out/runs/{run_id}/"
        self.arn = arn_of(run_id)
        definition = (GOLDEN / "production-planned-single-csv.json").read_text(encoding="utf-8")
        self.run = aws.add(
            RecordedRun(
                arn=self.arn,
                definition=definition,
                parameters={**PLACES, "ModelPackageArn": package_arn},
                status="Failed",
                ended_at=after(30),
                reason="Step failure: One or multiple steps failed.",
            )
        )
        prepare = aws.processing_job("prepare", "Completed", **_job_times("Processing", 2, 10))
        score = aws.transform_job(
            "score", "Failed", FailureReason="ClientError: see the logs", **_job_times("Transform", 15, 30)
        )
        self.run.step("PrepareInput", "Succeeded", 0, 10, Metadata=prepare)
        self.run.step("CheckErrorBudget", "Succeeded", 10, 10, Metadata={"Condition": {"Outcome": "True"}})
        model = {"Model": {"Arn": f"{BASE}:model/m"}}
        self.run.step("CreateModel", "Succeeded", 10, 10.5, Metadata=model)
        self.run.step(
            "ScoreShards", "Failed", 11, 30, Metadata=score, FailureReason="ClientError: see the logs"
        )
        self._write_objects()

    def _write_objects(self) -> None:
        s3().create_bucket(Bucket="data")
        content = json.dumps(CONTRACT).encode()
        put(PLACES["ContractUri"], content)
        for name, shard in SHARDS.items():
            put(f"{self.uri}shards/{name}", shard)
            put(f"{self.uri}kept/{name.replace('.csv', '.arrow')}", b"kept")
        put(f"{self.uri}quarantine/algo-1.parquet", b"held back")
        put(f"{self.uri}quarantine/algo-1.digest.html", b"<p>held back</p>")
        put(f"{self.uri}transform/shard-00-00000.csv.out", b"1.0")
        self._write_plan(parse_contract(content, name="c").fingerprint)

    def _write_plan(self, fingerprint: str) -> None:
        shards = tuple(
            Shard(
                name=name,
                record_count=100 * (number + 1),
                byte_count=len(content),
                sha256="0" * 64,
                kept_sha256="0" * 64,
            )
            for number, (name, content) in enumerate(SHARDS.items())
        )
        source = SourceObject(source_key="a.csv", byte_count=6, record_count=601, quarantined_count=1)
        manifest = ShardManifest(
            shards=shards, sources=(source,), reason_counts={"wrong_type": 1}, prepare_seconds=1.0
        )
        plan = ScoringPlan(
            contract_fingerprint=fingerprint,
            wire_format="csv",
            record_count=601,
            valid_count=600,
            quarantined_count=1,
            quarantined_fraction=1 / 601,
            source_byte_count=6,
            shard_count=3,
            shard_byte_count=6,
            transform_instance_count=2,
            prepare_seconds=1.0,
        )
        put(f"{self.uri}plan/plan.json", json.dumps(asdict(plan)).encode())
        put(f"{self.uri}plan/shard_manifest.json", json.dumps(asdict(manifest)).encode())

    def delete(self, name: str) -> None:
        """Delete one of the run's objects."""
        bucket, key = (self.uri + name).removeprefix("s3://").split("/", 1)
        s3().delete_object(Bucket=bucket, Key=key)


def _job_times(kind: str, begin: float, end: float) -> dict[str, dt.datetime]:
    return {f"{kind}StartTime": after(begin), f"{kind}EndTime": after(end)}


def write_time(uri: str, moment: dt.datetime) -> None:
    """Let moto's S3 say that an object was written at a moment."""
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    s3_backends[ACCOUNT]["aws"].buckets[bucket].keys[key].last_modified = moment


def s3() -> Any:
    """Return moto's S3."""
    return connection().client("s3")


def put(uri: str, content: bytes) -> None:
    """Write an object."""
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    s3().put_object(Bucket=bucket, Key=key, Body=content)
