"""How the engine is asked for a container, read without an engine."""

from __future__ import annotations

import csv
import itertools
import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_customers import TinyBusiness

from contracts.errors import CallerError
from emulator import containers, watchdog
from emulator.containers import ContainerImage, container_image
from emulator.images import Launch
from emulator.processes import ContainerProcess
from runner.local_run import RunOptions

pytestmark = pytest.mark.functional

SOURCE = "/processing/input/source"
IMAGE = ContainerImage(
    engine="/usr/bin/docker", image_id="sha256:1", user="1000:100", engine_environment={"HOME": "/home/me"}
)


def engine_below(folder: Path, script: str) -> dict[str, str]:
    """Put a stand-in for `docker` on a PATH of its own; return the environment."""
    engine = folder / "docker"
    engine.write_text(f"#!/bin/sh\n{script}\n")
    engine.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def options_of(argv: list[str]) -> dict[str, str]:
    """Return the options of `docker run` that have a value of their own word."""
    return {word: after for word, after in itertools.pairwise(argv) if word.startswith("--")}


def test_without_an_engine_the_message_says_so(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match="no container engine is here: `docker` is not on the PATH"):
        container_image("batchscore:local", {"PATH": str(tmp_path)})


def test_an_engine_that_does_not_answer_is_quoted(tmp_path: Path) -> None:
    environment = engine_below(tmp_path, "echo Cannot connect to the daemon >&2; exit 1")

    with pytest.raises(
        CallerError, match="does not answer: Cannot connect to the daemon; start it, or leave"
    ):
        container_image("batchscore:local", environment)


def test_a_missing_image_is_to_be_built(tmp_path: Path) -> None:
    environment = engine_below(tmp_path, 'test "$1" = version')

    with pytest.raises(CallerError, match="no image batchscore:local; build it with `make image`"):
        container_image("batchscore:local", environment)


def test_the_image_is_taken_by_its_id_and_the_network_is_made(tmp_path: Path) -> None:
    """The tag may move while a run goes on; the caller's ids make the files the caller's."""
    environment = engine_below(
        tmp_path,
        f'echo "$*" >> {tmp_path}/asked\ncase "$1 $2" in "image inspect") echo sha256:7;; '
        '"network inspect") exit 1;; esac',
    )

    image = container_image("batchscore:local", environment)

    assert (image.image_id, image.user) == ("sha256:7", f"{os.getuid()}:{os.getgid()}")
    assert (tmp_path / "asked").read_text().splitlines()[-1] == (
        "network create --opt com.docker.network.bridge.enable_ip_masquerade=false batchscore"
    )


def test_a_run_without_an_engine_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    business = TinyBusiness(tmp_path / "b")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CallerError, match="--containers: no container engine is here"):
        business.run(RunOptions(in_containers=True))

    assert business.state.run_ids() == set()


def test_a_processing_container_has_no_network_and_only_reads_its_inputs(tmp_path: Path) -> None:
    """[doc] The entry point of the request takes the place of the image's; `/opt/ml` is the job's tree."""
    root = tmp_path / "algo-1" / "ml"
    root.mkdir(parents=True)

    launch = IMAGE.job(["python3", "-m", "preprocessing"], root, {}, ["/opt/ml/processing/input/source"])

    argv = list(launch.argv)
    assert argv[:4] == ["/usr/bin/docker", "run", "--rm", "--pull"]
    assert argv[argv.index("--network") :] == [
        "--network",
        "none",
        f'--mount=type=bind,"source={root}{SOURCE}",target=/opt/ml{SOURCE},readonly',
        "--entrypoint",
        "python3",
        "sha256:1",
        "-m",
        "preprocessing",
    ]
    assert f'--mount=type=bind,"source={root}",target=/opt/ml' in argv
    assert options_of(argv)["--user"] == "1000:100"
    assert options_of(argv)["--label"] == f"batchscore.tree={root}"
    assert launch.end_argv == ("/usr/bin/docker", "rm", "--force", options_of(argv)["--name"])
    assert launch.environment == {"HOME": "/home/me"}


def test_a_model_container_serves_on_a_loopback_port(tmp_path: Path) -> None:
    """[doc] `docker run <image> serve`; the container listens on 8080 itself."""
    launch = IMAGE.server(tmp_path, {"SAGEMAKER_BATCH": "true"}, 9001)

    options = options_of(list(launch.argv))
    assert (options["--network"], options["--publish"]) == ("batchscore", "127.0.0.1:9001:8080")
    assert list(launch.argv)[-2:] == ["sha256:1", "serve"]
    assert "--entrypoint" not in options
    mounts = [word for word in launch.argv if word.startswith("--mount=")]
    assert mounts[1].endswith(",target=/opt/ml/model,readonly")


def test_two_containers_have_two_names(tmp_path: Path) -> None:
    """Other runs of other folders are on the same engine."""
    names = {options_of(list(IMAGE.server(tmp_path, {}, 9001).argv))["--name"] for _ in range(10)}

    assert len(names) == 10


def test_variables_travel_in_a_file_for_their_owner(tmp_path: Path) -> None:
    """A command line can be read by everybody on the machine."""
    (tmp_path / "ml").mkdir()

    launch = IMAGE.job(["python3"], tmp_path / "ml", {"TOKEN": "a b=ü", "DOCKER_HOST": "x"})

    path = Path(options_of(list(launch.argv))["--env-file"])
    assert path.read_text(encoding="utf-8") == "TOKEN=a b=ü\nDOCKER_HOST=x\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not any("a b=ü" in word for word in launch.argv)
    assert "DOCKER_HOST" not in launch.environment


def test_a_variable_with_a_line_break_is_refused(tmp_path: Path) -> None:
    """The engine would read the rest as another variable."""
    with pytest.raises(CallerError, match="the variable NOTE has a line break"):
        IMAGE.job(["python3"], tmp_path, {"NOTE": "a\nPATH=/x"})


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    """The engine reads a mount as a line of CSV."""
    root = tmp_path / 'a,b "c": d' / "ml"
    root.mkdir(parents=True)

    mounts = [word for word in IMAGE.server(root, {}, 9001).argv if word.startswith("--mount=")]

    tree, model = csv.reader([mount.removeprefix("--mount=") for mount in mounts])
    assert tree == ["type=bind", f"source={root}", "target=/opt/ml"]
    assert model == ["type=bind", f"source={root}/model", "target=/opt/ml/model", "readonly"]


@pytest.mark.parametrize("is_linkable", [True, False])
def test_an_input_is_a_file_in_the_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_linkable: bool
) -> None:
    """A link where the file system allows it, which costs nothing; else a copy; never a symbolic link."""
    source, target = tmp_path / "object", tmp_path / "input"
    source.write_bytes(b"1,2\n")
    if not is_linkable:
        monkeypatch.setattr(containers.os, "link", refuse)

    IMAGE.place_input(source, target)

    assert target.read_bytes() == b"1,2\n"
    assert not target.is_symlink()
    assert target.samefile(source) == is_linkable


def refuse(*_: object) -> None:
    raise OSError(18, "Invalid cross-device link")


def ended(code: int, folder: Path, *end_argv: str) -> ContainerProcess:
    """Return a process that ended with a code, started as an engine's if `end_argv` is given."""
    process = ContainerProcess(
        Launch(argv=["/bin/sh", "-c", f"exit {code}"], environment={}, end_argv=end_argv),
        folder=folder,
        log_path=folder / "log",
        on_progress=lambda _: None,
    )
    process.wait()
    return process


def test_a_container_that_was_killed_is_told_from_one_that_ended(tmp_path: Path) -> None:
    """[ran] Docker 20.10 ends with 128 + the signal's number; a process's own 137 is only a number."""
    killed = ended(137, tmp_path, "true")

    assert killed.exit_code == -signal.SIGKILL
    assert killed.ending() == "was killed by SIGKILL (out of memory?)"
    assert ended(137, tmp_path).ending() == "ended with exit code 137"
    assert ended(2, tmp_path, "true").exit_code == 2
    assert ended(255, tmp_path, "true").exit_code == 255


def test_a_stop_removes_the_container(tmp_path: Path) -> None:
    """SIGKILL to the engine's command line would leave it running."""
    process = ended(0, tmp_path, "/usr/bin/touch", str(tmp_path / "removed"))

    process.stop()

    assert (tmp_path / "removed").exists()


def test_the_watchdog_removes_containers_of_a_run_that_is_gone(tmp_path: Path) -> None:
    """Not those that ended before; a name may have blanks, and a removal that fails is not the last."""
    lines = [
        "+999999991\t/bin/false\n",
        f"+999999992\t/usr/bin/touch\t{tmp_path}/re moved\n",
        f"+999999993\t/usr/bin/touch\t{tmp_path}/ended\n",
        "+999999994\n",
        "-999999993\n",
    ]

    groups = watchdog.living_groups(lines)
    watchdog.end_groups(groups, grace_seconds=0)

    assert list(groups) == [999999991, 999999992, 999999994]
    assert [path.name for path in tmp_path.iterdir()] == ["re moved"]


def test_the_watchdog_is_told_how_to_remove_what_it_watches(tmp_path: Path) -> None:
    """A run is killed while its container lives: the watchdog, in a process of its own, removes it."""
    removed = tmp_path / "removed"
    os.mkfifo(removed)
    code = (
        "import sys, time; from pathlib import Path; from emulator.images import Launch\n"
        "from emulator.processes import ProcessPool\n"
        "with ProcessPool() as pool:\n"
        "    pool.start(Launch(argv=['/bin/sleep', '60'], environment={},\n"
        "        end_argv=('/bin/sh', '-c', 'echo gone > ' + sys.argv[1])), folder=Path('/'),\n"
        "        log_path=Path(sys.argv[1] + '.log'), on_progress=print)\n"
        "    print('ready', flush=True); time.sleep(60)\n"
    )
    run = subprocess.Popen([sys.executable, "-c", code, removed], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    assert run.stdout.readline() == "ready\n"

    run.kill()
    run.wait()

    assert removed.read_text() == "gone\n"
    run.stdout.close()


def test_the_image_is_not_shown_with_the_engine_s_variables() -> None:
    """They are this process's own, and may hold keys."""
    assert "secret" not in repr(replace(IMAGE, engine_environment={"AWS_SECRET_ACCESS_KEY": "secret"}))
