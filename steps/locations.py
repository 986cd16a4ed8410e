"""Where a run keeps its objects below OutputUri.

    <OutputUri>pointer/latest.json         names the newest published run
    <OutputUri>scores/run_date=…/<run id>/ published scores
    <OutputUri>runs/<run id>/<folder>/     everything else that belongs to one run

No job writes to a prefix that it reads from, or to a parent of one: whether the service refuses that is not
documented (aws/sagemaker-python-sdk#1950 reports that it does).

Every URI ends with `/`, because S3 prefixes are string prefixes: without it `…/plan` would match
`…/plan_parts/`.
"""

from __future__ import annotations

from steps.run_context import RunContext, Variable
from steps.sdk import Join

RUN_FOLDERS = (
    "plan",
    "plan_parts",
    "shards",
    "kept",
    "quarantine",
    "transform",
    "late_quarantine",
    "report",
)


def run_folder_parts(run: RunContext, folder: str) -> list[Variable]:
    """Return what a run folder's URI is joined from, for use inside a longer text."""
    if folder not in RUN_FOLDERS:
        raise ValueError(f"{folder!r} is no run folder; valid: {', '.join(RUN_FOLDERS)}")
    return [run.dataset.output_uri, "runs/", run.identity.run_id, f"/{folder}/"]


def run_folder(run: RunContext, folder: str) -> Variable:
    """Return the URI of one of the run's folders."""
    return Join(on="", values=run_folder_parts(run, folder))


def scores_folder(output_uri: Variable) -> Variable:
    """Return the URI below which scores are published."""
    return Join(on="", values=[output_uri, "scores/"])


def pointer_folder(output_uri: Variable) -> Variable:
    """Return the URI of the folder with the pointer to the newest published run."""
    return Join(on="", values=[output_uri, "pointer/"])
