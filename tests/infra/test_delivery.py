"""What happens in the emulated account: the schedule fires, rules deliver, people are told.

ministack cannot start pipelines or builds, and writes into its log to which ARN it would have delivered; that
line is what is waited for. Nobody but AWS may send events whose source begins with `aws.`, so such a rule is
copied under another source, with the pattern and the targets of the rule as deployed; only S3's own events
come from the emulated S3.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from emulated_account import (
    ACCOUNT_ID,
    REGION,
    EmulatedAccount,
    StackFacts,
    create_stack,
    wait_for_line,
)
from quiet_handler import QuietHandler

EVENTS = Path(__file__).parents[1] / "events"
PIPELINES = f"arn:aws:sagemaker:{REGION}:{ACCOUNT_ID}:pipeline"
UNDELIVERABLE = "unsupported target type for ARN"
"""[src] ministack 1.5.33: what it logs where it cannot play the target's part."""

pytestmark = pytest.mark.functional


def _recorded(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def _send(account: EmulatedAccount, event: dict[str, Any], source: str) -> None:
    answer = account.client("events").put_events(
        Entries=[
            {"Source": source, "DetailType": event["detail-type"], "Detail": json.dumps(event["detail"])}
        ]
    )
    assert answer["FailedEntryCount"] == 0


def _copy_under(account: EmulatedAccount, rule: str, source: str) -> None:
    """Copy a rule, to match what anybody may send."""
    events = account.client("events")
    pattern = json.loads(events.describe_rule(Name=rule)["EventPattern"]) | {"source": [source]}
    targets = events.list_targets_by_rule(Rule=rule)["Targets"]
    events.put_rule(Name=f"copy-{source}", EventPattern=json.dumps(pattern))
    events.put_targets(Rule=f"copy-{source}", Targets=targets)


def _messages(account: EmulatedAccount, topic: str, name: str) -> Any:
    """Subscribe a new queue to a topic; return a function that waits for the next message."""
    sqs = account.client("sqs")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    account.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def next_message() -> str:
        received = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
        message: str = json.loads(received[0]["Body"])["Message"]
        return message

    return next_message


def test_the_schedule_fires_and_starts_production(account: EmulatedAccount) -> None:
    """With every option off, and a moment that has passed."""
    create_stack(
        account,
        "scheduled",
        {
            "ImageUri": f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com/batchscore:1.0",
            "ScheduleExpression": "at(2026-01-05T06:00:00)",
            "ProductionPipelineName": "scheduled-production",
        },
    )
    assert wait_for_line(account.log, f"{UNDELIVERABLE} {PIPELINES}/scheduled-production")


def test_the_data_owners_event_starts_production(account: EmulatedAccount, stack: StackFacts) -> None:
    _send(account, _recorded("input_ready"), "batchscore.input")
    assert wait_for_line(account.log, f"{UNDELIVERABLE} {PIPELINES}/batchscore-production")
    assert stack.outputs["ProductionPipelineName"] == "batchscore-production"


@pytest.mark.parametrize(
    ("rule", "event"), [("ApprovedRule", "model_approved"), ("RejectedRule", "model_rejected")]
)
def test_approval_and_rejection_start_the_promotion(
    account: EmulatedAccount, stack: StackFacts, rule: str, event: str
) -> None:
    """The project is there, and runs the build file of the repository."""
    project = stack.outputs["PromotionProjectName"]
    _copy_under(account, stack.ids[rule], f"test.{event}")
    line = f"{UNDELIVERABLE} arn:aws:codebuild:{REGION}:{ACCOUNT_ID}:project/{project}"
    before = account.log.read_text().count(line)

    _send(account, _recorded(event), f"test.{event}")

    assert account.log.read_text().count(line) == before + 1
    (found,) = account.client("codebuild").batch_get_projects(names=[project])["projects"]
    assert found["source"]["buildspec"] == "buildspec.yml"
    assert found["environment"]["environmentVariables"][0]["value"] == stack.name


def test_a_failed_run_is_told_with_the_commands_to_type(account: EmulatedAccount, stack: StackFacts) -> None:
    """Which pipeline, which run, and what to do, with nothing left to be looked up."""
    next_message = _messages(account, stack.outputs["TopicArn"], "people-of-runs")
    _copy_under(account, stack.ids["FailedRunRule"], "test.run")
    event = _recorded("run_failed")

    _send(account, event, "test.run")
    message = next_message()

    run = event["detail"]["pipelineExecutionArn"]
    assert f"Pipeline: {event['detail']['pipelineArn']}" in message
    for command in ("status", "results", "resume"):
        assert f"batchscore {command} {run} --region {REGION}" in message
    assert "failed at 2026-11-23T06:15:42Z" in message
    assert "<" not in message


def test_a_failed_promotion_is_told(account: EmulatedAccount, stack: StackFacts) -> None:
    next_message = _messages(account, stack.outputs["TopicArn"], "people-of-promotions")
    _copy_under(account, stack.ids["FailedPromotionRule"], "test.build")
    event = _recorded("promotion_failed")

    _send(account, event, "test.build")
    message = next_message()

    assert "ended as FAILED" in message
    assert event["detail"]["additional-information"]["logs"]["deep-link"] in message
    assert f"batchscore promote --stack batchscore --region {REGION}" in message


@pytest.fixture
def sagemaker() -> Iterator[tuple[str, Queue[Any]]]:
    """Stands for SageMaker: its URL, and what was asked of it."""
    asked: Queue[Any] = Queue()

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            asked.put((self.headers["X-Amz-Target"], json.loads(self.read_body())))
            answer = {"PipelineExecutionArn": f"{PIPELINES}/batchscore-production/execution/1"}
            self.send(200, json.dumps(answer).encode(), **{"Content-Type": "application/x-amz-json-1.1"})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_marker_in_the_bucket_starts_production_on_its_folder(
    account: EmulatedAccount, stack: StackFacts, sagemaker: tuple[str, Queue[Any]]
) -> None:
    """From the object that is written to the call that is made, through S3, EventBridge and Lambda."""
    url, asked = sagemaker
    functions, s3 = account.client("lambda"), account.client("s3")
    name = stack.ids["MarkerFunction"]
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**variables, "AWS_ENDPOINT_URL_SAGEMAKER": url}}
    )
    # What the owner of the bucket does; see the runbook.
    s3.put_bucket_notification_configuration(
        Bucket="customer-data", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )

    s3.put_object(Bucket="customer-data", Key="input/a b+c%20d=é/customers.csv", Body=b"id\n1\n")
    s3.put_object(Bucket="customer-data", Key="input/a b+c%20d=é/_READY", Body=b"")
    target, request = asked.get(timeout=60)

    assert target == "SageMaker.StartPipelineExecution"
    assert request["PipelineName"] == "batchscore-production"
    assert request["PipelineParameters"][0] == {
        "Name": "InputUri",
        "Value": "s3://customer-data/input/a b+c%20d=é/",
    }
    assert asked.empty()
