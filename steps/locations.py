"""Where a run keeps its objects below OutputUri.

    <OutputUri>pointer/latest.json         names the newest published run
    <OutputUri>scores/run_date=…/<run id>/ published scores
    <OutputUri>history/published/          what the last published run leaves for the next one
    <OutputUri>history/started/            a marker, so that the prefix is never empty
    <OutputUri>runs/<run id>/<folder>/     everything else that belongs to one run

No job writes to a prefix that it reads from: the service refuses folders that are the same
(aws/sagemaker-python-sdk#1950). One writes below a prefix that it reads: ReportRun, below `history/`, see
docs/adr/0013.

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


def history_folder(output_uri: Variable, part: str = "") -> Variable:
    """Return the URI of what runs leave for the next one; `part` is `started`, `published` or all of it."""
    return Join(on="", values=[output_uri, f"history/{part}/" if part else "history/"])
