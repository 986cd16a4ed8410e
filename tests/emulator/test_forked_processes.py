"""A process that is forked is what a process of its own would have been."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.forked_processes import SERVE, ForkedProcess, ForkServer, Modules, is_able
from emulator.images import LocalImage

pytestmark = [
    pytest.mark.functional,
    pytest.mark.skipif(not is_able(), reason="processes are forked on Linux only"),
]

IMAGE = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}

TELLS = """
import json, os, sys
facts = {
    "argv": sys.argv, "path": sys.path[0], "environment": dict(os.environ), "folder": os.getcwd(),
    "name": __name__, "leads": os.getpgrp() == os.getpid(), "input": sys.stdin.read(),
    "json.tool": "json.tool" in sys.modules, "descriptors": len(os.listdir("/proc/self/fd")),
}
print(json.dumps(facts), flush=True)
sys.stderr.write("and that is all\\n")
sys.exit(7)
"""


def write_module(folder: Path, code: str, name: str = "told") -> Path:
    """Put a module where `python -m` finds it from this working folder; return the folder."""
    (folder / f"{name}.py").write_text(code)
    return folder


@pytest.fixture
def forks() -> Iterator[ForkServer]:
    """A server that is ready."""
    server = ForkServer(
        sys.executable, Modules(first=("json.tool",), later=("no_such_module", "colorsys")), IMAGE
    )
    wait_until_ready(server)
    yield server
    server.close()


def wait_until_ready(server: ForkServer) -> None:
    deadline = time.monotonic() + 60
    while not server.is_ready and time.monotonic() < deadline:
        time.sleep(0.01)


def started(server: ForkServer, folder: Path, *arguments: str, **variables: str) -> ForkedProcess:
    argv = [sys.executable, "-m", "told", *arguments]
    process = server.start(argv, {**IMAGE, **variables}, folder)
    assert process is not None
    return process


def test_it_has_the_argv_variables_folder_and_streams_of_a_process_of_its_own(
    tmp_path: Path, forks: ForkServer
) -> None:
    """And the modules that were read before; nothing else of the server is left in it."""
    write_module(tmp_path, TELLS)

    process = started(forks, tmp_path, "one", "two words", SAGEMAKER_BATCH="true")
    with process.output as output:
        said = output.read().decode()

    assert process.ends_within(30)
    assert process.exit_code == 7
    line, rest = said.split("\n", 1)
    facts: dict[str, Any] = json.loads(line)
    assert rest == "and that is all\n"
    assert facts == {
        "argv": [str(tmp_path / "told.py"), "one", "two words"],
        "path": str(tmp_path),
        "environment": {**IMAGE, "SAGEMAKER_BATCH": "true"},
        "folder": str(tmp_path),
        "name": "__main__",
        "leads": True,
        "input": "",
        "json.tool": True,
        "descriptors": 4,  # three streams, and the folder that is listed
    }


def test_an_error_that_nobody_catches_is_told_and_ends_it_with_1(tmp_path: Path, forks: ForkServer) -> None:
    write_module(tmp_path, "raise ValueError('no such day')\n")

    process = started(forks, tmp_path)
    with process.output as output:
        said = output.read().decode()

    assert process.ends_within(30)
    assert process.exit_code == 1
    assert said.endswith("ValueError: no such day\n")


def test_the_kernel_tells_what_it_took(tmp_path: Path, forks: ForkServer) -> None:
    """Processor time of this process alone, and its largest memory."""
    write_module(tmp_path, "import time\nwhile time.process_time() < 0.3: pass\nb'x' * 50_000_000\n")

    process = started(forks, tmp_path)
    process.output.close()

    assert process.ends_within(30)
    assert process.usage is not None
    assert 0.25 < process.usage.ru_utime + process.usage.ru_stime < 20
    assert process.usage.ru_maxrss > 50_000
    assert process.ended > 0


def test_its_group_can_be_ended_from_its_first_moment_on(tmp_path: Path, forks: ForkServer) -> None:
    """With whatever it has started, as a container is."""
    write_module(tmp_path, "import subprocess; subprocess.run(['sleep', '60'])\n")

    process = started(forks, tmp_path)
    os.killpg(process.pid, signal.SIGKILL)

    assert process.ends_within(30)
    assert process.exit_code == -signal.SIGKILL
    assert process.output.read() == b""  # nothing holds the other end any more
    process.output.close()


def test_many_are_told_apart(tmp_path: Path, forks: ForkServer) -> None:
    write_module(tmp_path, "import sys; print(sys.argv[1]); sys.exit(int(sys.argv[1]))\n")

    processes = [started(forks, tmp_path, str(number)) for number in range(20)]

    for number, process in enumerate(processes):
        assert process.ends_within(30)
        with process.output as output:
            assert (process.exit_code, output.read()) == (number, b"%d\n" % number)


def test_later_modules_are_read_between_launches(tmp_path: Path, forks: ForkServer) -> None:
    """Nobody waits for them at first, and who comes later has them; one that is not there is left out."""
    write_module(tmp_path, "import sys; print('colorsys' in sys.modules)\n")

    said = []
    while said[-1:] != [b"True\n"]:
        process = started(forks, tmp_path)
        with process.output as output:
            said.append(output.read())

    assert said[0] == b"False\n"


@pytest.mark.parametrize(
    ("argv", "variables"),
    [
        ([sys.executable, "told.py"], IMAGE),
        (["sh", "-m", "told"], IMAGE),
        ([sys.executable, "-m", "told"], {**IMAGE, "OMP_NUM_THREADS": "1"}),
        ([sys.executable, "-m", "told"], {**IMAGE, "LANG": "de_DE.UTF-8"}),
        ([sys.executable, "-m", "told"], {"PATH": os.defpath}),
        ([sys.executable, "-m", "told", "x" * 100_000], IMAGE),
    ],
    ids=["no module", "another program", "a library's variable", "another value", "one less", "too long"],
)
def test_what_would_not_be_the_same_is_left_to_a_process_of_its_own(
    tmp_path: Path, forks: ForkServer, argv: list[str], variables: dict[str, str]
) -> None:
    assert forks.start(argv, variables, tmp_path) is None


def test_a_server_that_is_gone_starts_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    """What it had started is ended: nobody could tell any more when that happens."""
    server = ForkServer(sys.executable, Modules(), IMAGE)
    wait_until_ready(server)
    write_module(tmp_path, "import time; print('up', flush=True); time.sleep(60)\n")
    process = started(server, tmp_path)
    assert process.output.readline() == b"up\n"

    os.kill(server.process_id, signal.SIGKILL)

    assert process.ends_within(30)
    assert process.exit_code == -signal.SIGKILL
    assert process.output.read() == b""
    process.output.close()
    assert server.start([sys.executable, "-m", "told"], IMAGE, tmp_path) is None
    server.close()


def test_a_server_that_cannot_read_its_modules_starts_nothing(tmp_path: Path) -> None:
    """An image without one of them works as it did."""
    server = ForkServer(sys.executable, Modules(first=("no_such_module",)), IMAGE)
    os.waitid(os.P_PID, server.process_id, os.WEXITED | os.WNOWAIT)

    assert server.start([sys.executable, "-m", "told"], IMAGE, tmp_path) is None
    server.close()


def test_modules_of_the_users_working_folder_are_not_those_of_the_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command is called where the data are, and a script there may be called as a library is."""
    for name in ("json", "colorsys", "wave"):
        write_module(tmp_path, "raise SystemExit('a script of the user')\n", name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job").mkdir()
    write_module(tmp_path / "job", "import colorsys, wave; print(colorsys.__file__, wave.__file__)\n")

    server = ForkServer(sys.executable, Modules(first=("colorsys",)), IMAGE)
    wait_until_ready(server)
    process = started(server, tmp_path / "job")
    with process.output as output:
        said = output.read().decode()

    assert said.count(str(Path(os.__file__).parent)) == 2
    server.close()


def test_a_later_module_that_cannot_be_read_ends_nothing(tmp_path: Path) -> None:
    """Whatever it raises: a library without its system library raises an error of its own."""
    image = {**IMAGE, "PYTHONPATH": str(tmp_path)}
    write_module(tmp_path, "raise ValueError('no such library')\n", "broken")
    write_module(tmp_path, "import sys; print('colorsys' in sys.modules)\n")
    server = ForkServer(sys.executable, Modules(later=("broken", "colorsys")), image)
    wait_until_ready(server)

    said = b""
    while said != b"True\n":
        process = started(server, tmp_path, PYTHONPATH=str(tmp_path))
        with process.output as output:
            said = output.read()
        assert process.ends_within(30)
        assert process.exit_code == 0

    server.close()


def test_a_launch_whose_command_is_gone_before_it_is_answered_does_not_live_on(tmp_path: Path) -> None:
    """No watchdog knows of it: a model server would wait for payloads for ever."""
    write_module(tmp_path, "import time; time.sleep(300)\n")
    launch = {"module": "told", "arguments": [], "environment": IMAGE, "folder": str(tmp_path)}
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    readable, writable = os.pipe()
    with theirs:
        server = subprocess.Popen([sys.executable, "-c", SERVE, "", ""], env=IMAGE, stdin=theirs.fileno())
    with control:
        socket.send_fds(control, [json.dumps(launch).encode()], [writable])
    os.close(writable)

    ended, _, _ = select.select([readable], [], [], 30)

    assert ended
    assert os.read(readable, 100) == b""  # nobody holds the other end
    assert server.wait(30) == 0
    os.close(readable)


def test_where_no_server_can_be_started_there_is_none() -> None:
    """Processes are started as they were: what is wrong with the machine, they say."""
    image = LocalImage(python="/no/such/python", serve_entrypoint=(), preloaded=Modules(first=("json",)))
    assert image.fork_server() is None
