"""The command line `batchscore`.

Commands import what they need when they are called, so that `--help` answers at once. Every error raised on
purpose becomes one message and an exit code (see `contracts.errors`): 0 done, 1 the run failed by its own
rules, 2 something handed in is wrong, 3 the machine failed, 70 a fault of this program, 130 interrupted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contracts.errors import CallerError
from runner.cli_deploy import deploy_app
from runner.cli_options import (
    NameOption,
    PollOption,
    ProfileOption,
    RegionOption,
    StackOption,
    TokenizerOption,
)
from runner.cli_reports import reports_app
from runner.cli_runs import find_run, runs_app, watch_options

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Batch scoring on Amazon SageMaker: one pipeline definition, run in AWS or on this machine.",
)
models_app = typer.Typer(no_args_is_help=True, help="The local model registry: list, approve, reject.")
contract_app = typer.Typer(no_args_is_help=True, help="Dataset contracts.")
app.add_typer(models_app, name="models")
app.add_typer(contract_app, name="contract")
app.add_typer(deploy_app)
app.add_typer(runs_app)
app.add_typer(reports_app)

StateOption = Annotated[
    Path | None,
    typer.Option("--state", help="Folder of local runs [default: .batchscore]", show_default=False),
]
PortOption = Annotated[
    int | None, typer.Option(min=1, max=65535, help="Port of the first model server [default: any free]")
]
WireOption = Annotated[
    str, typer.Option(help="Wire format to the model container: arrow, parquet, csv, jsonlines or recordio.")
]
ModelImageOption = Annotated[
    str | None,
    typer.Option(
        metavar="URI",
        help="Image of the model in AWS, such as that of the built-in XGBoost "
        "[default: the image of all jobs]",
        show_default=False,
    ),
]
AwsOption = Annotated[
    bool, typer.Option("--aws", help="RUN is one in AWS; needed where it is no ARN or is left out.")
]
PrepareOption = Annotated[str, typer.Option(help="Prepare on one instance (single) or on several (sharded).")]


@app.command()
def run(  # noqa: PLR0913, PLR0917 - one argument an option; they become one RunRequest
    context: typer.Context,
    contract: Annotated[Path, typer.Option(help="Dataset contract (YAML or JSON).")],
    input: Annotated[str, typer.Option(help="Folder, file or s3:// prefix of the local object store.")],  # noqa: A002 - the option's name
    output: Annotated[str, typer.Option(help="Folder or s3:// prefix for scores, quarantine and report.")],
    model: Annotated[
        Path | None,
        typer.Option(
            help="Model artifact, made by `batchscore package`; the candidate registers it.",
            show_default=False,
        ),
    ] = None,
    pipeline: Annotated[
        str, typer.Option(help="candidate, or production, which scores with --model-package.")
    ] = "candidate",
    model_package: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Approved package: group/version, ARN or group.", show_default=False
        ),
    ] = None,
    wire: WireOption = "arrow",
    prepare: PrepareOption = "single",
    model_image: ModelImageOption = None,
    instances: Annotated[
        int | None, typer.Option(min=1, max=100, help="Transform instances; without it the plan decides.")
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="A pipeline parameter; repeatable."),
    ] = None,
    port: PortOption = None,
    containers: Annotated[
        bool,
        typer.Option(
            "--containers", help="Run the steps in containers of the image that `make image` built."
        ),
    ] = False,
    profile: Annotated[
        bool,
        typer.Option("--profile", help="Say where the time went, by step, and keep it in the run's folder."),
    ] = False,
    state: StateOption = None,
) -> None:
    """Compile the pipeline's definition and execute it on this machine.

    \b
    Examples:
      batchscore run --contract contract.yaml --model model.tar.gz --input customers/ --output scored/
      batchscore run --contract c.yaml --model m.tar.gz --input in.csv --output out/ --wire csv --instances 2
      batchscore run … -p MaxQuarantineFraction=0.05 -p RunDate=2026-11-23
      batchscore run --pipeline production --model-package batchscore/1 --contract c.yaml --input in/ …
    """
    from runner.run_command import RunRequest, run_command  # noqa: PLC0415 - see the module docstring

    run_command(
        RunRequest(
            contract=contract,
            model=model,
            model_package=model_package,
            source=input,
            output=output,
            pipeline=pipeline,
            model_image=model_image,
            wire=wire,
            prepare=prepare,
            instance_count=instances,
            parameters=parameter or [],
            first_port=port,
            in_containers=containers,
            is_profiled=profile,
            state=state,
        ),
        context.obj,
    )


@app.command()
def resume(  # noqa: PLR0913, PLR0917 - one argument an option
    run: Annotated[str, typer.Argument(help="Run id, as `batchscore results` shows it; in AWS also an ARN.")],
    port: PortOption = None,
    state: StateOption = None,
    aws: AwsOption = False,
    name: NameOption = "",
    stack: StackOption = "",
    wait: Annotated[bool, typer.Option("--wait", help="In AWS: follow the run to its end.")] = False,
    poll: PollOption = 15,
    region: RegionOption = None,
    profile: ProfileOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="In AWS: print JSON for scripts.")] = False,
) -> None:
    """Finish a run that was lost or interrupted, scoring only shards without an output.

    What was scored stays as it is, and the run ends as if it had never been lost. A run whose input was
    not prepared yet, or that its error budget ended, cannot be resumed: start a new one.

    \b
    Examples:
      batchscore resume 20261123t094512-3fa9
      batchscore resume abc123def456 --aws --wait
    """
    if _is_in_aws(run, aws, {"--port": port, "--state": state}):
        from runner.aws.results_command import resume_command as resume_aws  # noqa: PLC0415 - see above

        arn, connection = find_run(run, name, stack, region, profile)
        resume_aws(arn, connection, watch_options(poll, connection), waits=wait, as_json=as_json)
        return
    _refuse_aws_only({"--wait": wait, "--json": as_json})
    from runner.resume_command import resume_command  # noqa: PLC0415 - see the module docstring

    resume_command(run, first_port=port, state=state)


@app.command()
def package(
    model: Annotated[
        Path, typer.Option(help="Model file: XGBoost .json or .ubj, LightGBM .txt, ONNX .onnx.")
    ],
    contract: Annotated[Path, typer.Option(help="Dataset contract that it was trained under.")],
    out: Annotated[Path, typer.Option(help="Artifact to write, such as model.tar.gz.")],
    baseline: Annotated[
        Path | None,
        typer.Option(help="Training data, or its baseline.json: what runs are compared with for drift."),
    ] = None,
    tokenizer: TokenizerOption = None,
    model_alone: Annotated[
        bool,
        typer.Option(
            "--model-alone",
            help="Leave the contract out, for AWS's built-in XGBoost container (--model-image).",
        ),
    ] = False,
) -> None:
    """Make a model artifact from a model in a safe format and its contract.

    \b
    Example:
      batchscore package --model churn.ubj --contract contract.yaml --baseline train.csv --out model.tar.gz
      batchscore package --model bert.onnx --tokenizer tokenizer.json --contract c.yaml --out model.tar.gz
    """
    from runner.package import package_model  # noqa: PLC0415 - see the module docstring

    package_model(model, contract, out, baseline, tokenizer=tokenizer, is_alone=model_alone)
    typer.echo(f"{out}: written and checked")


@app.command()
def baseline(
    contract: Annotated[Path, typer.Option(help="Dataset contract; a record that breaks it does not count.")],
    input: Annotated[Path, typer.Option(help="File or folder of training data.")],  # noqa: A002 - the option's name
    out: Annotated[Path, typer.Option(help="File to write, such as baseline.json.")],
    model: Annotated[
        Path | None,
        typer.Option(help="Model file, whose scores of the data are described too.", show_default=False),
    ] = None,
    tokenizer: TokenizerOption = None,
) -> None:
    """Describe training data, so that reports can say how far later data has drifted from it.

    \b
    Example:
      batchscore baseline --contract contract.yaml --input train.csv --model churn.ubj --out baseline.json
    """
    from runner.baseline_command import baseline_command  # noqa: PLC0415 - see the module docstring
    from runner.package import model_members  # noqa: PLC0415 - as above

    if model is None and tokenizer is not None:
        raise CallerError("--tokenizer: goes with the --model that it belongs to")
    members = None if model is None else model_members(model, tokenizer, contract)
    baseline_command(input, contract, out, members)
    typer.echo(f"{out}: written; `batchscore package --baseline {out}` puts it into an artifact")


@app.command()
def definition(
    pipeline: Annotated[str, typer.Option(help="Pipeline to print.")] = "candidate",
    wire: WireOption = "arrow",
    prepare: PrepareOption = "single",
    transform_sizing: Annotated[
        str, typer.Option(help="Instances from the plan (planned) or from a parameter (fixed).")
    ] = "planned",
    model_image: ModelImageOption = None,
    resume_at: Annotated[
        str | None,
        typer.Option(
            help="Of the pipeline resume: register, score or report [default: score]", show_default=False
        ),
    ] = None,
) -> None:
    """Print the pipeline's definition as JSON; needs no network, no account and no region.

    \b
    Examples:
      batchscore definition --wire csv > candidate.json
      batchscore definition --pipeline resume --resume-at report > resume.json
    """
    from pipelines.definition import definition_text  # noqa: PLC0415 - see the module docstring

    choices = {"wire": wire, "prepare": prepare, "transform_sizing": transform_sizing}
    if model_image is not None:
        choices["model_image"] = model_image
    if resume_at is not None:
        if pipeline != "resume":
            raise CallerError(f"--resume-at {resume_at}: goes with --pipeline resume, not with {pipeline!r}")
        choices["resume_at"] = resume_at
    text = definition_text(pipeline, **choices)
    typer.echo(text, nl=not text.endswith("\n"))


@app.command()
def results(  # noqa: PLR0913, PLR0917 - one argument an option
    run: Annotated[
        str | None,
        typer.Argument(help="Run id, in AWS also an ARN [default: the newest run]", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
    head: Annotated[int, typer.Option(min=0, help="Of a local run, print so many scored records too.")] = 0,
    state: StateOption = None,
    aws: AwsOption = False,
    name: NameOption = "",
    stack: StackOption = "",
    region: RegionOption = None,
    profile: ProfileOption = None,
) -> None:
    """Say what came of a run and where its files are; of a failed one, how far it came and what goes on.

    \b
    Examples:
      batchscore results --head 5
      batchscore results 20261123t094512-3fa9 --json
      batchscore results --aws --name batchscore-production
    """
    if _is_in_aws(run, aws, {"--head": head, "--state": state}):
        from runner.aws.results_command import results_command as results_aws  # noqa: PLC0415 - see above

        results_aws(*find_run(run, name, stack, region, profile), as_json=as_json)
        return
    from runner.results_command import results_command  # noqa: PLC0415 - see the module docstring

    results_command(run, as_json=as_json, head_count=head, state=state)


def _is_in_aws(run: str | None, says_aws: bool, local_only: dict[str, object]) -> bool:
    """Say which door is meant, and refuse what the one into AWS does not have."""
    if not says_aws and not (run or "").startswith("arn:"):
        return False
    given = [name for name, value in local_only.items() if value]
    if given:
        raise CallerError(f"{', '.join(given)}: only for local runs, but a run in AWS is asked for")
    return True


def _refuse_aws_only(options: dict[str, bool]) -> None:
    given = [name for name, value in options.items() if value]
    if given:
        raise CallerError(f"{', '.join(given)}: only for runs in AWS; name one by its ARN, or give --aws")


@app.command()
def quarantine(
    run: Annotated[
        str | None, typer.Argument(help="Run id [default: the newest run]", show_default=False)
    ] = None,
    examples: Annotated[int, typer.Option(min=0, help="Show so many records of each reason.")] = 3,
    reason: Annotated[
        str | None, typer.Option(metavar="CODE", help="Only records with this reason code.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(metavar="KEY", help="Only records of this source object.")
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write the records out as source files, to be mended."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
    state: StateOption = None,
) -> None:
    """Show the records that a run held back, and why; or write them out to be mended and scored again.

    \b
    Examples:
      batchscore quarantine
      batchscore quarantine 20261123t094512-3fa9 --reason wrong_type --examples 10
      batchscore quarantine 20261123t094512-3fa9 --write to-mend/
    """
    from runner.quarantine_command import QuarantineRequest, quarantine_command  # noqa: PLC0415 - see above

    quarantine_command(
        QuarantineRequest(
            run_id=run,
            reason=reason,
            source_key=source,
            example_count=examples,
            write_folder=write,
            as_json=as_json,
            state=state,
        )
    )


@models_app.command("list")
def models_list(
    group: Annotated[str | None, typer.Option(help="Only this model package group.")] = None,
    state: StateOption = None,
) -> None:
    """List model packages, newest first.

    \b
    Example:
      batchscore models list --group churn
    """
    from runner.models_command import list_models  # noqa: PLC0415 - see the module docstring

    list_models(group, state)


@models_app.command("approve")
def models_approve(
    arn: Annotated[
        str, typer.Argument(help="Model package as `models list` shows it: group/version or ARN.")
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Also where it did not pass its quality gate.")
    ] = False,
    state: StateOption = None,
) -> None:
    """Approve a model package; one that did not pass its quality gate only by force.

    \b
    Example:
      batchscore models approve batchscore/1
    """
    from runner.models_command import set_approval  # noqa: PLC0415 - see the module docstring

    set_approval(arn, "Approved", state, is_forced=force)


@models_app.command("reject")
def models_reject(
    arn: Annotated[
        str, typer.Argument(help="Model package as `models list` shows it: group/version or ARN.")
    ],
    state: StateOption = None,
) -> None:
    """Reject a model package.

    \b
    Example:
      batchscore models reject batchscore/1
    """
    from runner.models_command import set_approval  # noqa: PLC0415 - see the module docstring

    set_approval(arn, "Rejected", state)


@contract_app.command("check")
def contract_check(
    file: Annotated[Path, typer.Argument(help="Dataset contract (YAML or JSON).")],
    against: Annotated[
        Path | None, typer.Option(help="File or folder of data to validate by the contract.")
    ] = None,
) -> None:
    """Check a dataset contract, and data against it.

    \b
    Examples:
      batchscore contract check contract.yaml
      batchscore contract check contract.yaml --against customers.csv
    """
    from runner.contract_command import check_contract  # noqa: PLC0415 - see the module docstring

    check_contract(file, against)


if __name__ == "__main__":
    raise SystemExit("error: these are the commands alone; start `batchscore`, or `python -m runner`")
