"""`batchscore run`: from what a person typed to a run and its summary."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import BatchScoreError, CallerError
from contracts.memory import keep_freed_memory
from emulator.events import OnEvent
from emulator.forked_processes import ForkServer
from emulator.run_record import RunRecord
from runner.command_timing import CommandTiming
from runner.console import PatientConsole
from runner.local_run import RunOptions, new_run_id, run_locally
from runner.local_state import LocalState, state_folder
from runner.packaged_model import RunModel, packaged_model
from runner.preflight import RunPlaces
from runner.progress_view import shown_progress
from runner.results import results_of
from runner.run_profile import PRINT_PART
from runner.summary import print_summary

USING_PACKAGES = ("production",)
"""Pipelines that score with a registered package; the others register their own."""


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """The options of `batchscore run`, as typed.

    Attributes:
        contract: Path of the dataset contract.
        model: Path of the model artifact that is registered; None where a package scores.
        model_package: The package that scores: `group/version`, ARN, or `group` for its newest approved one.
        source: Path or `s3://` URI of the input.
        output: Path or `s3://` URI of the output.
        pipeline: Name of the pipeline.
        model_image: URI of an image for the model, or None for the project's own.
        wire: Name of the wire format.
        prepare: `single` or `sharded`.
        instance_count: Transform instances, or None.
        parameters: `Name=Value` texts.
        first_port: Port of the first model server, or None.
        state: Folder of local runs, or None for the default.
        in_containers: Whether steps run in containers instead of as processes.
        is_profiled: Whether to tell where the time went.
    """

    contract: Path
    model: Path | None
    model_package: str | None
    source: str
    output: str
    pipeline: str
    model_image: str | None
    wire: str
    prepare: str
    instance_count: int | None
    parameters: list[str]
    first_port: int | None
    state: Path | None
    in_containers: bool = False
    is_profiled: bool = False


def run_command(request: RunRequest, forks: ForkServer | None = None) -> None:
    """Execute a run, show its progress, and print what came of it, also when it failed.

    Args:
        request: What was typed.
        forks: What starts processes sooner, if it is on its way already.
    """
    keep_freed_memory()  # payload after payload goes through this process
    timing = CommandTiming(is_told=request.is_profiled)
    state = LocalState(root=state_folder(os.environ, request.state))
    model = _model_of(request, state)
    places = RunPlaces(
        contract=request.contract,
        model=model.artifact,
        source=request.source,
        output=request.output,
        model_image=model.image,
    )
    options = RunOptions(
        pipeline=request.pipeline,
        wire=request.wire,
        prepare=request.prepare,
        instance_count=request.instance_count,
        parameters=parse_parameters(request.parameters),
        first_port=request.first_port,
        in_containers=request.in_containers,
        model_package_arn=model.package_arn,
        forks=forks,
    )
    if places.model_image:
        PatientConsole(stderr=True, soft_wrap=True).print(
            "the model image is for AWS, here the project's own server stands in (docs/fidelity.md)"
        )
    run_id = new_run_id()
    attend(
        run_id,
        state,
        lambda on_event: run_locally(places, options, state, run_id, on_event, timing.stopwatch),
        timing,
    )


def _model_of(request: RunRequest, state: LocalState) -> RunModel:
    """Return what scores: the artifact that is named, or that of the package.

    Raises:
        CallerError: The pipeline wants the other one.
    """
    if request.pipeline not in USING_PACKAGES:
        if request.model is None or request.model_package is not None:
            raise CallerError(f"--pipeline {request.pipeline}: give --model, and no --model-package")
        return RunModel(artifact=request.model, image=request.model_image or "")
    if request.model is not None or request.model_package is None or request.model_image is not None:
        raise CallerError(
            f"--pipeline {request.pipeline} scores with a registered package: give --model-package, such as "
            "batchscore/1, and neither --model nor --model-image; see `batchscore models list`"
        )
    return packaged_model(request.model_package, state)


def attend(
    run_id: str, state: LocalState, execute: Callable[[OnEvent], RunRecord], timing: CommandTiming
) -> None:
    """Execute a run, show its progress, and print what came of it, also when it failed.

    Raises:
        BatchScoreError: As `execute` raised it.
        KeyboardInterrupt: The same; everything that was started is stopped.
    """
    console = PatientConsole(stderr=True)
    try:
        with shown_progress(console) as on_event:
            record = execute(on_event)
    except (BatchScoreError, KeyboardInterrupt) as error:
        if isinstance(error, KeyboardInterrupt):
            console.print("interrupted: everything that was started is stopped")
        if run_id in state.run_ids():
            describe_failed_gate(state.run(run_id), state)
            _tell(state.run(run_id), state, timing)
        raise
    _tell(record, state, timing)


def _tell(record: RunRecord, state: LocalState, timing: CommandTiming) -> None:
    with timing.stopwatch.part(PRINT_PART):
        print_summary(results_of(record, state))
    timing.tell(record, state)


def describe_failed_gate(record: RunRecord, state: LocalState) -> None:
    """Note at the package of a run that ended at its quality gate why it should not be approved."""
    register, gate = record.steps.get("RegisterModel"), record.steps.get("FailQuality")
    if gate is not None and register is not None and register.made:
        state.registry.describe_approval(register.made, gate.outcome)


def parse_parameters(texts: list[str]) -> dict[str, str]:
    """Turn `Name=Value` texts into a mapping.

    Raises:
        CallerError: A text has no `=`, or a name is given twice.
    """
    return parse_pairs("-p", texts, example="MaxQuarantineFraction=0.05")


def parse_pairs(option: str, texts: list[str], *, example: str = "name=value") -> dict[str, str]:
    """Turn the `Name=Value` texts of an option into a mapping.

    Raises:
        CallerError: A text has no `=`, or a name is given twice.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise CallerError(f"{option} {text}: expected Name=Value, such as {option} {example}")
        if name in pairs:
            raise CallerError(f"{option} {name} is given twice")
        pairs[name] = value
    return pairs
