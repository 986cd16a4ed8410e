"""A processing job: folders in, one process an instance, folders out.

Inputs land below `LocalPath`, whole objects; `ShardedByS3Key` deals them out by key. Outputs are uploaded at
the end of the job, and a failed job uploads nothing (EndOfJob). `resourceconfig.json` names the hosts
`algo-1`, `algo-2`, …; what the containers wrote to `/opt/ml/output/message`, put together, is the exit
message, and the reason of a job that failed [doc: "Save and Access Metadata Information About Your Processing
Job"]. An input prefix without objects fails the job, as it does for training jobs
(aws/amazon-sagemaker-examples#2489).

Inputs are links to the objects, not copies: nothing is paid for twice on one disk (see `Image.place_input`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from contracts.container_paths import FAILURE_MESSAGE, PROCESSING, RESOURCE_CONFIG, inside
from contracts.errors import CallerError, RunFailedError
from emulator.job_context import JobContext, JobFailedError, ProgressSum
from emulator.object_store import StoredObject
from emulator.processes import ContainerProcess

MAX_ARGUMENTS = 100
MAX_ARGUMENT_CHARS = 256
_MESSAGE_CHARS = 1024


def run_processing_job(request: Mapping[str, Any], context: JobContext) -> dict[str, Any]:
    """Run the job and upload its outputs.

    Args:
        request: A CreateProcessingJob request, references resolved.
        context: The job's surroundings.

    Returns:
        What DescribeProcessingJob would tell of the finished job.

    Raises:
        JobFailedError: A process ended with another status than 0, or left what cannot be taken; nothing was
            uploaded.
        CallerError: The request asks for what is not emulated, or an input is not there.
    """
    cluster = request["ProcessingResources"]["ClusterConfig"]
    hosts = [f"algo-{number}" for number in range(1, int(cluster["InstanceCount"]) + 1)]
    roots = {host: context.folder / host / "ml" for host in hosts}
    for host, root in roots.items():
        _lay_tree(request, root, host, hosts, context)
    _run_processes(request, roots, context)
    if context.processes.is_stopping:
        raise InterruptedError("the run is being stopped; nothing was uploaded")
    exit_message = _joined_messages(roots.values())
    _upload_all(request, roots.values(), context)
    for root in roots.values():
        shutil.rmtree(root)
    return {
        **request,
        "ProcessingJobName": context.job_name,
        "ProcessingJobStatus": "Completed",
        "ExitMessage": exit_message,
    }


def _lay_tree(
    request: Mapping[str, Any], root: Path, host: str, hosts: list[str], context: JobContext
) -> None:
    for name in ("config", "output"):
        (root / name).mkdir(parents=True)
    config = {"current_host": host, "hosts": hosts}
    inside(root, RESOURCE_CONFIG).write_text(json.dumps(config), encoding="utf-8")
    for entry in request.get("ProcessingInputs", []):
        _lay_input(entry, root, host, hosts, context)
    for entry in request.get("ProcessingOutputConfig", {}).get("Outputs", []):
        if entry["S3Output"].get("S3UploadMode", "EndOfJob") != "EndOfJob":
            raise CallerError(f"output {entry['OutputName']}: only S3UploadMode EndOfJob is emulated")
        _local_path(root, entry["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)


def _lay_input(
    entry: Mapping[str, Any], root: Path, host: str, hosts: list[str], context: JobContext
) -> None:
    source = entry["S3Input"]
    emulated = {"S3DataType": "S3Prefix", "S3InputMode": "File", "S3CompressionType": "None"}
    for key, only in emulated.items():
        if source.get(key, only) != only:
            raise CallerError(f"input {entry['InputName']}: {key} {source[key]} is not emulated, {only} is")
    folder = _local_path(root, source["LocalPath"])
    folder.mkdir(parents=True, exist_ok=True)
    uri = source["S3Uri"]
    objects = context.store.list(uri)
    if not objects:
        raise CallerError(f"input {entry['InputName']}: no object is below {uri}")
    made = {folder}
    for number, stored in enumerate(objects):
        if source.get("S3DataDistributionType") == "ShardedByS3Key" and hosts[number % len(hosts)] != host:
            continue
        target = folder / _path_below(stored, uri)
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        context.image.place_input(stored.path, target)


def _local_path(root: Path, path: str) -> Path:
    """Translate a LocalPath, which must begin with `/opt/ml/processing/` [doc: ProcessingS3Input]."""
    if not path.startswith(f"{PROCESSING}/"):
        raise CallerError(f"LocalPath {path} does not begin with {PROCESSING}/, as it must")
    return inside(root, path)


def _path_below(stored: StoredObject, prefix_uri: str) -> str:
    """Return where an object lands below the local path: its key after the prefix's last `/`."""
    return stored.uri[prefix_uri.rindex("/") + 1 :]


def _run_processes(request: Mapping[str, Any], roots: Mapping[str, Path], context: JobContext) -> None:
    app = request["AppSpecification"]
    _check_arguments(app.get("ContainerArguments", []))
    command = [*app["ContainerEntrypoint"], *map(str, app.get("ContainerArguments", []))]
    inputs = [entry["S3Input"]["LocalPath"] for entry in request.get("ProcessingInputs", [])]
    progress = ProgressSum(context.report_progress)
    started: list[tuple[Path, ContainerProcess]] = []
    try:
        for number, (host, root) in enumerate(roots.items()):
            process = context.processes.start(
                context.image.job(command, root, request.get("Environment", {}), inputs),
                folder=root.parent,
                log_path=context.folder / f"{host}.log",
                on_progress=progress.listener(number),
            )
            started.append((root, process))
        codes = [process.wait() for _, process in started]
    finally:
        for root, process in started:
            context.end(process, root.parent.name)
    failed = [(code, *one) for code, one in zip(codes, started, strict=True) if code != 0]
    if failed:
        code, _, process = failed[0]
        message = _joined_messages(root for _, root, _ in failed)
        raise JobFailedError(
            message or _last_words(process),
            container_exit_code=code,
            # Without a message it is Python's own status for an error that nobody caught.
            is_by_rules=code == RunFailedError.exit_code and bool(message),
        )


def _check_arguments(arguments: Sequence[Any]) -> None:
    """Refuse what CreateProcessingJob refuses [doc: AppSpecification]: 100 arguments of 256 characters."""
    too_long = [text for text in map(str, arguments) if len(text) > MAX_ARGUMENT_CHARS]
    if too_long or len(arguments) > MAX_ARGUMENTS:
        raise CallerError(
            f"a processing job takes {MAX_ARGUMENTS} arguments of {MAX_ARGUMENT_CHARS} characters; there are "
            f"{len(arguments)}, too long: {', '.join(too_long) or 'none'}; use shorter URIs and names"
        )


def _joined_messages(roots: Iterable[Path]) -> str:
    """Return the first characters of what the containers wrote to their message files, put together."""
    try:
        messages = [
            path.read_text(encoding="utf-8")
            for root in roots
            if (path := inside(root, FAILURE_MESSAGE)).is_file()
        ]
    except UnicodeDecodeError as error:
        raise JobFailedError(
            f"what the container wrote to {FAILURE_MESSAGE} is not UTF-8: {error}"
        ) from error
    return "\n".join(message.strip() for message in messages)[:_MESSAGE_CHARS]


def _last_words(process: ContainerProcess) -> str:
    return (
        f"the container {process.ending()} without a failure message; its last lines:\n{process.log_tail()}"
    )


def _upload_all(request: Mapping[str, Any], roots: Iterable[Path], context: JobContext) -> None:
    """Upload the outputs in their order; if one file fails, take back what this job uploaded."""
    found = [output for root in roots for output in _outputs(request, root)]
    uploaded: list[str] = []
    try:
        for path, uri in found:
            context.store.move_in(path, uri)
            uploaded.append(uri)
    except OSError:
        for uri in uploaded:
            context.store.path_of(uri).unlink(missing_ok=True)
        raise


def _outputs(request: Mapping[str, Any], root: Path) -> Iterator[tuple[Path, str]]:
    """Yield each output file and its URI; in each output, marker files such as `_SUCCESS` last."""
    for entry in request.get("ProcessingOutputConfig", {}).get("Outputs", []):
        folder = inside(root, entry["S3Output"]["LocalPath"])
        below = list(folder.rglob("*"))
        links = sorted(str(path.relative_to(folder)) for path in below if path.is_symlink())
        if links:
            raise JobFailedError(
                f"output {entry['OutputName']}: {links[0]} is a symbolic link, which the service does "
                "not upload; write a file"
            )
        files = [path for path in below if path.is_file()]
        for path in sorted(files, key=lambda path: (path.name.startswith("_"), path)):
            yield path, entry["S3Output"]["S3Uri"].rstrip("/") + "/" + path.relative_to(folder).as_posix()
