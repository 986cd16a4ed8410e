"""The laptop door: compile a definition, check everything, execute it here."""

from __future__ import annotations

import datetime as dt
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from contracts.atomic_files import write_bytes
from contracts.errors import CallerError
from contracts.stopwatch import Stopwatch, started_stopwatch
from emulator.definition import parameter_values, read_definition
from emulator.events import OnEvent
from emulator.execution import Execution, Machine
from emulator.forked_processes import ForkServer
from emulator.ports import choose_port
from emulator.run_record import RunRecord, now_text
from pipelines.parameter_specs import check_values
from runner.container_code import LOCAL_IMAGE_URI, run_image
from runner.definition_cache import compiled_definition
from runner.local_state import DEFINITION_FILE, LocalState
from runner.preflight import RunPlaces, check_lengths, check_payload, check_places, is_uri
from runner.run_lock import held
from runner.run_profile import CHECK_PART, DEFINITION_PART, EXECUTE_PART, KEEP_PART

RESUME_PIPELINE = "resume"


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a run is shaped.

    Attributes:
        pipeline: Name of the pipeline.
        wire: Name of the wire format.
        prepare: `single` or `sharded`.
        instance_count: Instances of the transform job, or None to let the plan decide.
        parameters: Pipeline parameters by name, as text, but for those that the places imply.
        first_port: Port of the first model server, or None for free ones.
        in_containers: Whether steps run in containers of the project's image instead of as processes.
        model_package_arn: The package that scores, for a pipeline that registers none; else empty.
        forks: What starts processes sooner, if it is on its way already.
    """

    pipeline: str = "candidate"
    wire: str = "arrow"
    prepare: str = "single"
    instance_count: int | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    first_port: int | None = None
    in_containers: bool = False
    model_package_arn: str = ""
    forks: ForkServer | None = None


def new_run_id() -> str:
    """Return an id that sorts by time and is not given twice, such as `20261123t094512-3fa9`."""
    return dt.datetime.now(dt.timezone.utc).strftime("%Y%m%dt%H%M%S") + "-" + secrets.token_hex(2)


def run_locally(
    places: RunPlaces,
    options: RunOptions,
    state: LocalState,
    run_id: str,
    on_event: OnEvent,
    stopwatch: Stopwatch | None = None,
) -> RunRecord:
    """Compile, check and execute one run.

    Args:
        places: Contract, model, input and output. A model image is not started here: our own server stands
            in for AWS's built-in XGBoost container, and for no other.
        options: How the run is shaped.
        state: Where local runs live.
        run_id: Names the run; a new one for each.
        on_event: Takes progress.
        stopwatch: Is told what is being done, or None if nobody wants to know.

    Returns:
        The record of the run, which succeeded.

    Raises:
        CallerError: Something that was handed in is wrong; nothing was started.
        BatchScoreError: The run failed; its record and quarantine are kept.
    """
    if options.pipeline == RESUME_PIPELINE:
        raise CallerError("--pipeline resume: a lost run is resumed with `batchscore resume RUN`")
    stopwatch = stopwatch or started_stopwatch()
    with stopwatch.part(CHECK_PART):
        check_places(
            places, state.store, keep_columns=options.parameters.get("KeepColumns", ""), wire=options.wire
        )
        check_ports(options.first_port, options.instance_count or 1)
        image = run_image(in_containers=options.in_containers, stands_in=bool(places.model_image))
    choices = {
        "wire": options.wire,
        "prepare": options.prepare,
        "transform_sizing": "planned" if options.instance_count is None else "fixed",
    }
    if places.model_image and not options.model_package_arn:
        choices["model_image"] = places.model_image
    with stopwatch.part(DEFINITION_PART):
        text = compiled_definition(state.root / "definitions", options.pipeline, **choices)
        definition = read_definition(text)
    with stopwatch.part(KEEP_PART):
        given = _parameters(places, options, state)
    parameters = parameter_values(definition, given)
    check_values(parameters)
    check_payload(places, parameters["MaxPayloadInMB"])
    folder = state.run_folder(run_id)
    folder.mkdir(parents=True)
    write_bytes(folder / DEFINITION_FILE, text.encode())
    record = RunRecord(
        run_id=run_id,
        pipeline_name=options.pipeline,
        parameters=parameters,
        process_id=os.getpid(),
        started_at=now_text(),
        choices=choices,
        in_containers=options.in_containers,
    )
    machine = Machine(
        store=state.store,
        registry=state.registry,
        image=image,
        run_folder=folder,
        first_port=options.first_port,
        forks=options.forks,
    )
    with held(folder), stopwatch.part(EXECUTE_PART):
        return Execution(definition, parameters, record, machine, on_event).run()


def check_ports(first_port: int | None, instance_count: int) -> None:
    """Check that every model server would get its port.

    Raises:
        CallerError: One is in use.
    """
    if first_port is not None:
        for number in range(instance_count):
            choose_port(first_port, number)


def _parameters(places: RunPlaces, options: RunOptions, state: LocalState) -> dict[str, str]:
    implied = {
        "InputUri": _prefix(places.source, "input", state),
        "ContractUri": state.keep_copy("contracts", places.contract),
        "OutputUri": _prefix(places.output, "output", state),
        "ImageUri": LOCAL_IMAGE_URI,
    }
    if options.model_package_arn:
        implied["ModelPackageArn"] = options.model_package_arn
    else:
        implied["ModelArtifactUri"] = state.keep_copy("models", places.model)
    if options.instance_count is not None:
        implied["TransformInstanceCount"] = str(options.instance_count)
    twice = sorted(set(implied) & set(options.parameters))
    if twice:
        raise CallerError(
            f"-p {', '.join(twice)}: set by --input, --contract, --output, --model… or --instances"
        )
    parameters = {**implied, **options.parameters}
    check_lengths(parameters)
    return parameters


def _prefix(place: str, kind: str, state: LocalState) -> str:
    if is_uri(place):
        return place if place.endswith("/") else place + "/"
    path = Path(place)
    if kind == "output":
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CallerError(f"--output {path}: cannot be made: {error.strerror}") from error
    return state.link(kind, path)
