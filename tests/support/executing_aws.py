"""AWS on loopback in which a pipeline that is started is executed: moto keeps, the emulator runs.

moto's server answers for S3, the registry and the pipelines. What it does not do is done here: a start
executes the deployed definition with the emulator, on the objects in moto's S3 and back into it, and
ListPipelineExecutionSteps tells of that. So a client of AWS, such as a notebook, sees a run go on and end as
the service documents it, and finds what it wrote. A package of moto's registry is one of the emulator's too.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.moto_api._internal import moto_api_backend
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse
from moto.server import ThreadedMotoServer

from contracts.errors import BatchScoreError
from emulator.definition import parameter_values, read_definition
from emulator.execution import Execution, Machine
from emulator.object_store import ObjectStore
from emulator.registry import ModelRegistry
from emulator.run_record import RunRecord, StepRecord, now_text, read_record
from runner.container_code import run_image

REGION = "us-east-1"
BUCKET = "scoring"


class ExecutingAws:
    """One emulated account.

    Attributes:
        environment: What a client needs to find it, credentials included.
        image: Stands for every container image.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._threads: list[threading.Thread] = []
        self._packages: dict[str, str] = {}
        self.image = run_image(in_containers=False, stands_in=False)
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service_name: str) -> Any:
        """Return a boto3 client of the account."""
        return boto3.client(
            service_name,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",  # noqa: S106 - worth nothing
        )

    def upload(self, path: Path, key: str) -> str:
        """Put a file into the bucket; return its URI."""
        self.client("s3").put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())
        return f"s3://{BUCKET}/{key}"

    def begin(self, execution: Any, definition: str) -> None:
        """Execute a run from now on."""
        execution.pipeline_execution_status = "Executing"
        thread = threading.Thread(target=self._execute, args=(execution, definition))
        self._threads.append(thread)
        thread.start()

    def record(self, arn: str) -> RunRecord | None:
        """Return what is known of a run; None where it has not begun."""
        folder = self._run_folder(arn)
        return read_record(folder) if (folder / "record.json").exists() else None

    def wait(self) -> None:
        """Wait for the end of every run."""
        for thread in self._threads:
            thread.join()

    def _run_folder(self, arn: str) -> Path:
        return self._folder / "runs" / arn.rsplit("/", 1)[-1]

    def _execute(self, execution: Any, definition_text: str) -> None:
        given = {entry["Name"]: entry["Value"] for entry in execution.pipeline_parameters or []}
        store = ObjectStore(self._folder / "objects")
        self._download(store)
        folder = self._run_folder(execution.arn)
        folder.mkdir(parents=True)
        registry = self._registry()
        if "ModelPackageArn" in (defaults := _defaults(definition_text)) or "ModelPackageArn" in given:
            arn = given.get("ModelPackageArn", defaults.get("ModelPackageArn", ""))
            given["ModelPackageArn"] = self._emulated_package(arn, registry)
        definition = read_definition(definition_text)
        parameters = parameter_values(definition, given)
        record = RunRecord(
            run_id=execution.arn.rsplit("/", 1)[-1],
            pipeline_name=execution.arn.split("/")[1],
            parameters=parameters,
            process_id=os.getpid(),
            started_at=now_text(),
        )
        machine = Machine(
            store=store,
            registry=registry,
            image=self.image,
            run_folder=folder,
        )
        try:
            Execution(definition, parameters, record, machine, lambda _event: None).run()
            status = "Succeeded"
        except BatchScoreError:
            status = "Failed"
        self._upload(store)
        execution.last_modified_time = utcnow()
        execution.pipeline_execution_status = status

    def package_of(self, made: str) -> str:
        """Return the ARN in moto's registry of a package that the emulator registered."""
        if made not in self._packages:
            client = self.client("sagemaker")
            request = dict(self._registry().package(made).request)
            groups = client.list_model_package_groups()["ModelPackageGroupSummaryList"]
            if request["ModelPackageGroupName"] not in {group["ModelPackageGroupName"] for group in groups}:
                client.create_model_package_group(ModelPackageGroupName=request["ModelPackageGroupName"])
            self._packages[made] = client.create_model_package(**request)["ModelPackageArn"]
        return self._packages[made]

    def _registry(self) -> ModelRegistry:
        return ModelRegistry(self._folder / "registry.sqlite")

    def _emulated_package(self, arn: str, registry: ModelRegistry) -> str:
        """Register a package of moto's with the emulator; return its ARN there."""
        found = self.client("sagemaker").describe_model_package(ModelPackageName=arn)
        names = ("ModelPackageGroupName", "ModelApprovalStatus", "InferenceSpecification")
        return registry.register({name: found[name] for name in names}, now_text()).arn

    def _download(self, store: ObjectStore) -> None:
        s3 = self.client("s3")
        for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            path = store.path_of(f"s3://{BUCKET}/{entry['Key']}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read())

    def _upload(self, store: ObjectStore) -> None:
        root = store.path_of(f"s3://{BUCKET}")
        for path in sorted(root.rglob("*")):
            if path.is_file():
                self.upload(path, path.relative_to(root).as_posix())


@contextmanager
def executing_aws(folder: Path) -> Iterator[ExecutingAws]:
    """Serve an account on a free port of loopback for as long as the block lasts."""
    start = SageMakerModelBackend.start_pipeline_execution
    describe_by_name = SageMakerModelBackend.describe_pipeline
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    aws = ExecutingAws(folder, port)

    def start_and_execute(backend: Any, pipeline_name: str, *rest: Any, **named: Any) -> dict[str, str]:
        answer: dict[str, str] = start(backend, pipeline_name, *rest, **named)
        pipeline = backend.pipelines[pipeline_name]
        execution = pipeline.pipeline_executions[answer["PipelineExecutionArn"]]
        aws.begin(execution, pipeline.pipeline_definition)
        return answer

    def list_steps(response: Any) -> ActionResult:
        record = aws.record(response._get_param("PipelineExecutionArn"))
        steps = record.steps if record else {}
        listed = [_step(name, step, aws) for name, step in steps.items()]
        return ActionResult({"PipelineExecutionSteps": listed})

    def describe(backend: Any, pipeline_name: str) -> dict[str, Any]:
        # [src] The API takes a name or an ARN; moto a name.
        answer: dict[str, Any] = describe_by_name(backend, pipeline_name.rsplit("/", 1)[-1])
        return answer

    SageMakerModelBackend.start_pipeline_execution = start_and_execute
    SageMakerModelBackend.describe_pipeline = describe
    SageMakerResponse.list_pipeline_execution_steps = list_steps
    try:
        moto_api_backend.reset()
        aws.client("s3").create_bucket(Bucket=BUCKET)
        yield aws
    finally:
        aws.wait()
        SageMakerModelBackend.start_pipeline_execution = start
        SageMakerModelBackend.describe_pipeline = describe_by_name
        del SageMakerResponse.list_pipeline_execution_steps
        server.stop()


def _defaults(definition_text: str) -> dict[str, Any]:
    declared = json.loads(definition_text)["Parameters"]
    return {entry["Name"]: entry["DefaultValue"] for entry in declared if "DefaultValue" in entry}


def _step(name: str, step: StepRecord, aws: ExecutingAws) -> Mapping[str, Any]:
    """Return a step as ListPipelineExecutionSteps tells it [src: botocore's PipelineExecutionStep]."""
    ended = {"EndTime": _moment(step.finished_at)} if step.finished_at else {}
    reason = {"FailureReason": step.outcome} if step.status == "Failed" else {}
    made = {"Metadata": {"RegisterModel": {"Arn": aws.package_of(step.made)}}} if step.made else {}
    return {
        "StepName": name,
        "StepStatus": step.status,
        "StartTime": _moment(step.started_at),
        "AttemptCount": 1,
        **ended,
        **made,
        **reason,
    }


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
