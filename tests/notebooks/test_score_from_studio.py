"""The notebook runs from top to bottom against AWS on loopback, which executes what it starts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from executing_aws import ExecutingAws, executing_aws
from nbclient import NotebookClient
from tiny_customers import SCORES, TinyBusiness

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "score_from_studio.ipynb"

pytestmark = [
    pytest.mark.end_to_end,
    # The kernel's clients, not ours: they run their event loop in a way that warns on exit.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
]

PARAMETERS = """
from runner.aws.session import AwsSettings, connect

connection = connect(AwsSettings())
role_arn = "arn:aws:iam::123456789012:role/scoring"
pipeline_name = "scoring-candidate"
defaults = {defaults!r}
model_artifact_uri = {model!r}
"""


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExecutingAws]:
    with executing_aws(tmp_path_factory.mktemp("aws")) as aws:
        yield aws


@pytest.fixture(scope="module")
def executed(account: ExecutingAws, tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """The notebook after its last cell; the cell tagged `parameters` names the places of this account."""
    business = TinyBusiness(tmp_path_factory.mktemp("business"))
    customers = account.upload(business.source / "customers.csv", "in/customers.csv")
    defaults = {
        "InputUri": customers.removesuffix("customers.csv"),
        "ContractUri": account.upload(business.contract, "contract.yaml"),
        "OutputUri": "s3://scoring/out/",
        "ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/batchscore:1",
        "MaxQuarantineFraction": 0.25,
    }
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    (cell,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    model = account.upload(business.model, "model.tar.gz")
    cell.source = PARAMETERS.format(defaults=defaults, model=model)
    for cell in notebook.cells:
        cell.source = cell.source.replace("poll_seconds=15", "poll_seconds=1")
    root = NOTEBOOK.parents[1]
    settings = tmp_path_factory.mktemp("settings") / "config.yaml"
    # The SDK would tell its makers of every call, over the network.
    settings.write_text("SchemaVersion: '1.0'\nSageMaker: {PythonSDK: {Modules: {TelemetryOptOut: true}}}\n")
    environment = {
        **os.environ,
        **account.environment,
        "PYTHONPATH": str(root),
        "SAGEMAKER_USER_CONFIG_OVERRIDE": str(settings),
    }
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": root}}
    )
    client.execute(env=environment)
    return notebook


def _printed(notebook: nbformat.NotebookNode, words: str) -> str:
    """What came out of the cell that contains the words."""
    (cell,) = [cell for cell in notebook.cells if cell.cell_type == "code" and words in cell.source]
    parts = []
    for output in cell.outputs:
        parts += [output.get("text", ""), *(str(value) for value in output.get("data", {}).values())]
    return "\n".join(parts)


def test_every_cell_runs_and_the_run_is_followed(executed: nbformat.NotebookNode) -> None:
    """Each step is named as it ends."""
    watched = _printed(executed, "wait_for_run")
    for step in ("PrepareInput", "RegisterModel", "ScoreShards", "ReportRun"):
        assert step in watched


def test_the_report_is_shown_inline_and_cannot_reach_the_notebook(executed: nbformat.NotebookNode) -> None:
    """In a frame of its own, as text that was escaped."""
    shown = _printed(executed, "<iframe")
    assert '<iframe sandbox="allow-scripts" srcdoc="&lt;!DOCTYPE html' in shown.replace("doctype", "DOCTYPE")


def test_counts_and_scores_are_those_of_the_run(executed: nbformat.NotebookNode) -> None:
    """The best ten, with the scores that add up."""
    counts = _printed(executed, "results.counts")
    assert f"scored         {len(SCORES)}" in counts
    best = _printed(executed, "pd.read_parquet")
    assert str(max(SCORES.values())) in best


def test_the_committed_notebook_has_no_outputs() -> None:
    """What somebody scored does not belong into the repository."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert [cell.id for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")] == []
