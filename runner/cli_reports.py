"""Commands of `batchscore` for reports: draw one again, set two runs side by side, serve all of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import CallerError
from runner.cli_options import NameOption, ProfileOption, RegionOption, StackOption
from runner.cli_runs import find_run

if TYPE_CHECKING:
    from contracts.ledger import RunLedger
    from runner.local_state import LocalState

reports_app = typer.Typer()

DEFAULT_PORT = 8765

StateOption = Annotated[
    Path | None,
    typer.Option("--state", help="Folder of local runs [default: .batchscore]", show_default=False),
]
AwsOption = Annotated[bool, typer.Option("--aws", help="The run is one in AWS; needed where it is no ARN.")]


@reports_app.command()
def report(  # noqa: PLR0913, PLR0917 - one argument an option
    run: Annotated[
        str | None,
        typer.Argument(help="Run id, in AWS also an ARN [default: the newest run]", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where to [default: the run's own report folder]"),
    ] = None,
    state: StateOption = None,
    aws: AwsOption = False,
    name: NameOption = "",
    stack: StackOption = "",
    region: RegionOption = None,
    profile: ProfileOption = None,
) -> None:
    """Draw the report of a run again, from its ledger: the page, and the CSV files behind its charts.

    \b
    Examples:
      batchscore report
      batchscore report 20261123t094512-3fa9 --out again/
      batchscore report abc123def456 --aws --out report/
    """
    from runner.report_command import draw_report, local_ledger  # noqa: PLC0415 - see runner.cli

    if aws or (run or "").startswith("arn:"):
        if out is None:
            raise CallerError("--out FOLDER is missing: the report of a run in AWS is drawn on this machine")
        page = draw_report(_ledger_in_aws(run, name, stack, region, profile), out)
    else:
        ledger, folder = local_ledger(run, _state(state))
        page = draw_report(ledger, out or folder)
    typer.echo(f"{page}: written")


@reports_app.command()
def compare(  # noqa: PLR0913, PLR0917 - one argument an option
    first: Annotated[str, typer.Argument(help="Run id, in AWS also an ARN; the one to compare with.")],
    second: Annotated[str, typer.Argument(help="Run id, in AWS also an ARN.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with both, such as compared.html.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
    state: StateOption = None,
    aws: AwsOption = False,
    region: RegionOption = None,
    profile: ProfileOption = None,
) -> None:
    """Show two runs side by side: counts, quality, scores, time, and what differs in what made them.

    \b
    Examples:
      batchscore compare 20261116t094501-81c2 20261123t094512-3fa9
      batchscore compare 20261116t094501-81c2 20261123t094512-3fa9 --out compared.html
    """
    from runner.report_command import compare_ledgers, local_ledger  # noqa: PLC0415 - see runner.cli

    ledgers = []
    for run in (first, second):
        if aws or run.startswith("arn:"):
            ledgers.append(_ledger_in_aws(run, "", "", region, profile))
        else:
            ledgers.append(local_ledger(run, _state(state))[0])
    compare_ledgers(ledgers[0], ledgers[1], out, as_json=as_json)


@reports_app.command("serve-reports")
def serve_reports(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Loopback port; 0 for any.")] = DEFAULT_PORT,
    state: StateOption = None,
) -> None:
    """Serve all local runs and their reports as web pages, for this machine only, until interrupted.

    \b
    Examples:
      batchscore serve-reports
      batchscore serve-reports --port 0
    """
    from runner import report_server  # noqa: PLC0415 - see runner.cli

    try:
        report_server.serve_reports(_state(state), port, typer.echo)
    except OSError as error:
        raise CallerError(f"--port {port}: {error.strerror}; name another, or 0 for any free one") from error


def _state(folder: Path | None) -> LocalState:
    from runner.local_state import LocalState, state_folder  # noqa: PLC0415 - see runner.cli

    return LocalState(root=state_folder(os.environ, folder))


def _ledger_in_aws(
    run: str | None, name: str, stack: str, region: str | None, profile: str | None
) -> RunLedger:
    from runner.aws.results import results_in_aws  # noqa: PLC0415 - see runner.cli
    from runner.aws.run_record import read_run  # noqa: PLC0415 - as above

    arn, connection = find_run(run, name, stack, region, profile)
    results = results_in_aws(read_run(connection, arn), connection)
    if results.facts is None:
        raise CallerError(
            f"{arn}: has no ledger: it came to no report; `batchscore results {arn}` says how far it came"
        )
    return results.facts
