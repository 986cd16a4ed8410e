"""What a real container engine does with the image; `make test-containers` builds it and runs these."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from small_machine import contents, job_context, put
from tiny_customers import QUARANTINED, SCORES, TinyBusiness, published, quarantined

from contracts.container_paths import MODEL, inside
from contracts.errors import BatchScoreError, CallerError
from contracts.model_artifact import unpack_artifact
from emulator.containers import TREE_LABEL, ContainerImage, container_image
from emulator.job_context import JobContext, JobFailedError
from emulator.model_server import ModelServer
from emulator.ports import choose_port
from emulator.processes import ContainerProcess
from emulator.processing_job import run_processing_job
from runner.local_run import LOCAL_IMAGE_URI, RunOptions
from runner.results import RunResults
from runner.resume import claimed, resume_locally

pytestmark = [pytest.mark.containers, pytest.mark.end_to_end]

ROOT = Path(__file__).resolve().parents[2]
NOBODY = "65534:65534"
BUDGET = {"MaxQuarantineFraction": "0.25", "RunDate": "2026-11-23"}
CODE_OF_THE_IMAGE = """
import hashlib, json, pathlib
code = pathlib.Path("/opt/batchscore/code")
print(json.dumps({str(path.relative_to(code)): hashlib.sha256(path.read_bytes()).hexdigest()
    for path in code.rglob("*") if path.is_file()}))
"""


@pytest.fixture(scope="session")
def image() -> ContainerImage:
    """The image, if an engine has one of the code that is here."""
    try:
        found = container_image(LOCAL_IMAGE_URI, os.environ)
    except CallerError as error:
        pytest.skip(str(error))
    code = json.loads(answer_of(found, CODE_OF_THE_IMAGE))
    if {name: code[name] for name in code if name.endswith(".py")} != code_here():
        pytest.skip("the image has other code than this repository: `make image` builds it anew")
    return found


@pytest.fixture
def context(image: ContainerImage, tmp_path: Path) -> JobContext:
    return replace(job_context(tmp_path), image=image)


@pytest.fixture(scope="module")
def business(image: ContainerImage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TinyBusiness]:
    folder = tmp_path_factory.mktemp("business")
    yield TinyBusiness(folder)
    assert trees_below(image, folder) == [], "a container was left behind"


def code_here() -> dict[str, str]:
    """Return the digests of the container packages' modules, by path."""
    packages = ("contracts", "preprocessing", "serving", "reporting")
    paths = [path for name in packages for path in (ROOT / name).rglob("*.py")]
    return {str(path.relative_to(ROOT)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def answer_of(image: ContainerImage, code: str) -> str:
    """Return what Python code prints in a container of its own."""
    argv = [image.engine, "run", "--rm", "--network", "none", "--entrypoint", "python3", image.image_id]
    return subprocess.run([*argv, "-c", code], capture_output=True, text=True, check=True).stdout


def trees_below(image: ContainerImage, folder: Path) -> list[str]:
    """Return the trees of the engine's containers, living or not, that are below a folder."""
    shown = '{{.Label "' + TREE_LABEL + '"}}'
    argv = [image.engine, "ps", "--all", "--filter", f"label={TREE_LABEL}", "--format", shown]
    found = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    return [tree for tree in found if Path(tree).is_relative_to(folder)]


def processing(code: str) -> dict[str, object]:
    """Return a request for running `code` with the input s3://b/in/ and one output to s3://b/out/."""
    source = {"S3Uri": "s3://b/in/", "LocalPath": "/opt/ml/processing/input/all", "S3DataType": "S3Prefix"}
    output = {"S3Uri": "s3://b/out/", "LocalPath": "/opt/ml/processing/output/all"}
    return {
        "AppSpecification": {"ImageUri": "any", "ContainerEntrypoint": ["python3", "-c", code]},
        "Environment": {"COLOUR": "blue = ü"},
        "ProcessingResources": {"ClusterConfig": {"InstanceCount": 2}},
        "ProcessingInputs": [{"InputName": "all", "S3Input": source}],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "all", "S3Output": output}]},
    }


LOOKS_AROUND = """
import errno, json, os, pathlib, socket
root = pathlib.Path("/opt/ml")
host = json.loads((root / "config/resourceconfig.json").read_text())["current_host"]
tree = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
faults = []
for address in ("192.0.2.1", "172.17.0.1", "127.0.0.1"):
    try:
        socket.create_connection((address, 80), timeout=5)
    except OSError as error:
        faults.append(errno.errorcode[error.errno])
try:
    (root / "processing/input/all/a.csv").write_text("mine")
except OSError as error:
    faults.append(errno.errorcode[error.errno])
facts = {"tree": tree, "faults": faults, "networks": os.listdir("/sys/class/net"),
    "ids": [os.getuid(), os.getgid()],
    "environment": {name: os.environ.get(name) for name in ("COLOUR", "BATCHSCORE_ML_ROOT", "HOME")},
    "input": (root / "processing/input/all/a.csv").read_text()}
(root / "processing/output/all" / (host + ".json")).write_text(json.dumps(facts))
"""


def test_a_processing_container_sees_the_tree_of_aws_and_no_network(context: JobContext) -> None:
    """[doc] `/opt/ml`; nothing but loopback to connect to; no variables of ours but the given ones."""
    put(context.store, "s3://b/in/a.csv", b"1,2\n")

    run_processing_job(processing(LOOKS_AROUND), context)

    written = contents(context.store, "s3://b/out/")
    assert sorted(written) == ["algo-1.json", "algo-2.json"]
    facts = json.loads(written["algo-2.json"])
    assert facts["networks"] == ["lo"]
    assert facts["faults"] == ["ENETUNREACH", "ENETUNREACH", "ECONNREFUSED", "EROFS"]
    assert facts["tree"] == [
        "config",
        "config/resourceconfig.json",
        "output",
        "processing",
        "processing/input",
        "processing/input/all",
        "processing/input/all/a.csv",
        "processing/output",
        "processing/output/all",
    ]
    assert facts["environment"]["COLOUR"] == "blue = ü"
    assert facts["environment"]["BATCHSCORE_ML_ROOT"] is None
    assert (facts["ids"], facts["input"]) == ([os.getuid(), os.getgid()], "1,2\n")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise SystemExit(5)", "ended with exit code 5"),
        (
            "import resource as r; r.setrlimit(r.RLIMIT_CPU, (1, 1))\nwhile True: pass",
            "was killed by SIGKILL",
        ),
        (
            "open('/opt/ml/output/message', 'w').write('no such column')\nraise SystemExit(2)",
            "no such column",
        ),
    ],
)
def test_a_container_s_ending_is_the_job_s_failure(context: JobContext, code: str, reason: str) -> None:
    """As of a process: exit code, signal or the container's own message; and nothing is uploaded."""
    put(context.store, "s3://b/in/a.csv", b"")

    with pytest.raises(JobFailedError, match=reason):
        run_processing_job(processing(code), context)

    assert contents(context.store, "s3://b/out/") == {}


@pytest.fixture(scope="module")
def by_processes(business: TinyBusiness) -> RunResults:
    """The same customers without containers."""
    return business.run(RunOptions(parameters=BUDGET))


@pytest.mark.parametrize("wire", ["parquet", "csv", "recordio"])
def test_containers_give_the_scores_of_processes(
    business: TinyBusiness, by_processes: RunResults, wire: str
) -> None:
    """Record by record, on two instances, with the same quarantine; the files are ours to delete."""
    results = business.run(RunOptions(wire=wire, instance_count=2, parameters=BUDGET, in_containers=True))

    scores = published(results).select(["customer_id", "score", "error"])
    assert scores.column("score").to_pylist() == list(SCORES.values())
    assert scores.equals(published(by_processes).select(["customer_id", "score", "error"]))
    assert results.counts == by_processes.counts
    found = {
        row["line_number"]: (row["reason_code"], row["field"], row["raw"]) for row in quarantined(results)
    }
    assert found == QUARANTINED
    owners = {path.stat().st_uid for path in (business.state.root, *business.state.root.rglob("*"))}
    assert owners == {os.getuid()}


def test_the_image_has_what_models_of_every_format_and_fast_csv_need(image: ContainerImage) -> None:
    """LightGBM finds its OpenMP library, and the native CSV reader was compiled."""
    code = (
        "import lightgbm, onnxruntime, xgboost; from preprocessing import csv_engine; "
        "print(csv_engine.is_native())"
    )

    assert answer_of(image, code) == "True\n"


def test_the_image_has_no_code_but_the_container_packages(image: ContainerImage) -> None:
    """The doors, the emulator and the SDK stay outside, and so does what this machine compiled."""
    code = json.loads(answer_of(image, CODE_OF_THE_IMAGE))

    assert {name.split("/", 1)[0] for name in code} == {"contracts", "preprocessing", "serving", "reporting"}
    assert {name for name in code if name.endswith(".py")} == set(code_here())
    absent = "import importlib.util as u; print([u.find_spec(n) for n in ('sagemaker', 'boto3', 'typer')])"
    assert answer_of(image, absent).strip() == "[None, None, None]"


def test_the_model_server_needs_no_root(
    image: ContainerImage, business: TinyBusiness, tmp_path: Path
) -> None:
    """docs/adr/0011: as `nobody`, who may read the model and write nothing but temporary files."""
    root = tmp_path / "algo-1" / "ml"
    inside(root, MODEL).mkdir(parents=True)
    unpack_artifact(business.model, inside(root, MODEL))
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.getuid() and path != Path("/tmp"):  # noqa: S108 - who may pass through it
            path.chmod(path.stat().st_mode | 0o011)
    for path in root.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    port = choose_port(None, 0)
    process = ContainerProcess(
        replace(image, user=NOBODY).server(root, {}, port),
        folder=tmp_path,
        log_path=tmp_path / "log",
        on_progress=lambda _: None,
    )
    try:
        server = ModelServer(process, port, connections=1)
        server.wait_until_ready()
        assert server.execution_parameters()["MaxConcurrentTransforms"] >= 1
    finally:
        process.stop()
    assert process.exit_code == 0, process.log_tail()


def test_a_model_container_cannot_write_to_its_model(image: ContainerImage, tmp_path: Path) -> None:
    """Nor to the archive that other instances unpack."""
    root = tmp_path / "algo-1" / "ml"
    inside(root, MODEL).mkdir(parents=True)
    code = "import pathlib; pathlib.Path('/opt/ml/model/new').touch()"
    launch = image.server(root, {}, choose_port(None, 0))
    at = launch.argv.index(image.image_id)
    argv = [*launch.argv[:at], "--entrypoint", "python3", image.image_id, "-c", code]

    ended = subprocess.run(argv, capture_output=True, text=True, check=False)

    assert "Read-only file system: '/opt/ml/model/new'" in ended.stderr


def test_a_lost_run_is_resumed_in_containers(
    image: ContainerImage, business: TinyBusiness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was begun: with a server that ends at once, then with the image's own."""
    broken = replace(image, serve_options=("--no-such-option",))
    monkeypatch.setattr("runner.local_run.run_image", lambda **_: broken)
    with pytest.raises(BatchScoreError, match="no-such-option"):
        business.run(RunOptions(parameters=BUDGET, in_containers=True))
    (lost,) = [run for run in business.state.runs() if run.status == "Failed"]
    used: list[object] = []
    monkeypatch.setattr("runner.resume.run_image", lambda **asked: used.append(asked) or image)

    with claimed(lost.run_id, business.state) as resumption:
        record = resume_locally(resumption, business.state, None, lambda _: None)

    assert record.status == "Succeeded"
    assert used == [{"in_containers": True, "stands_in": False}]


def test_a_container_that_ignores_sigterm_is_removed(image: ContainerImage, tmp_path: Path) -> None:
    """SIGKILL would reach the engine's command line only, and leave the container to itself."""
    root = tmp_path / "algo-1" / "ml"
    (root / "processing").mkdir(parents=True)
    code = "import time; open('/opt/ml/processing/ready', 'w').close(); time.sleep(600)"
    process = ContainerProcess(
        image.job(["python3", "-c", code], root, {}),
        folder=tmp_path,
        log_path=tmp_path / "log",
        on_progress=lambda _: None,
    )
    wait_for((root / "processing" / "ready").exists)

    process.stop(grace_seconds=0.1)

    assert process.exit_code == -signal.SIGKILL
    assert trees_below(image, tmp_path) == []


def started_run(business: TinyBusiness) -> subprocess.Popen[str]:
    """Start `batchscore run --containers`."""
    places = business.places
    argv = [sys.executable, "-m", "runner", "run", "--containers", "--state", str(business.state.root)]
    argv += ["--contract", str(places.contract), "--model", str(places.model)]
    argv += ["--input", places.source, "--output", places.output]
    return subprocess.Popen(argv, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)


def wait_for(happened: Callable[[], bool]) -> None:
    """Wait for what must happen; a test that waits in vain fails after a minute."""
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def test_a_run_that_is_killed_leaves_no_container(image: ContainerImage, tmp_path: Path) -> None:
    """SIGKILL while a model server lives, which would go on for ever: the watchdog removes it."""
    business = TinyBusiness(tmp_path / "b", "customer_id,age,plan,active\nC1,20,basic,true\n")
    run = started_run(business)
    wait_for(lambda: any("ScoreShards" in tree for tree in trees_below(image, tmp_path)))

    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()

    assert not (business.output / "pointer").exists()
    wait_for(lambda: not trees_below(image, tmp_path))


def test_an_interrupted_run_stops_its_containers(image: ContainerImage, tmp_path: Path) -> None:
    """Ctrl-C: the run itself ends them, before it ends."""
    business = TinyBusiness(tmp_path / "b", "customer_id,age,plan,active\nC1,20,basic,true\n")
    run = started_run(business)
    wait_for(lambda: trees_below(image, tmp_path) != [])

    run.send_signal(signal.SIGINT)

    assert "interrupted: everything that was started is stopped" in run.communicate()[1]
    assert run.returncode == 130
    assert trees_below(image, tmp_path) == []
