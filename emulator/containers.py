"""Run job code in containers of a real image, by the command line of a container engine.

What differs from AWS is named here: containers run with the ids of who runs this, so that their files belong
to that person, and inputs are mounted read-only. A processing container has no network at all; a model
container publishes its port on 127.0.0.1, in a network of its own without address translation to the outside.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contracts.container_paths import ML_ROOT, MODEL, inside
from contracts.errors import CallerError
from emulator.images import HOST, Launch

ENGINE = "docker"
NETWORK = "batchscore"
"""Of the model containers. A network of our own is there even where the engine has no default one."""

TREE_LABEL = "batchscore.tree"
"""Label of every container; its value is the folder that is mounted as `/opt/ml`."""

_SERVER_PORT = 8080
_NETWORK_OPTIONS = ("--opt", "com.docker.network.bridge.enable_ip_masquerade=false")


@dataclass(frozen=True, kw_only=True)
class ContainerImage:
    """An image of a container engine on this machine.

    Attributes:
        engine: Path of the engine's command line.
        image_id: Id of the image, so that all steps of a run have the same.
        user: `uid:gid` in the containers.
        serve_options: Stand before `serve`.
        engine_environment: Variables of the engine's command line; containers get none of them.
    """

    engine: str
    image_id: str
    user: str
    engine_environment: Mapping[str, str] = field(repr=False)
    serve_options: tuple[str, ...] = ()

    def job(
        self, command: Sequence[str], root: Path, given: Mapping[str, str], inputs: Sequence[str] = ()
    ) -> Launch:
        """Return what runs a processing container; see `emulator.images.Image`."""
        mounts = [_mount(inside(root, path), path, "readonly") for path in inputs]
        options = ["--network", "none", *mounts, "--entrypoint", command[0]]
        return self._launch(options, command[1:], root, given)

    def server(self, root: Path, given: Mapping[str, str], port: int) -> Launch:
        """Return what runs a model container; see `emulator.images.Image`."""
        model = _mount(inside(root, MODEL), str(MODEL), "readonly")
        options = ["--network", NETWORK, "--publish", f"{HOST}:{port}:{_SERVER_PORT}", model]
        return self._launch(options, [*self.serve_options, "serve"], root, given)

    def place_input(self, source: Path, target: Path) -> None:
        """Link or copy an object: in the container, a symbolic link would point to nothing."""
        file = source.resolve()  # a link to a link would be one
        try:
            os.link(file, target)
        except OSError:  # on another file system, or somebody else's
            shutil.copyfile(file, target)

    def fork_server(self) -> None:
        """Return nothing: a container is a process of its engine's."""

    def _launch(
        self, options: Sequence[str], arguments: Sequence[str], root: Path, given: Mapping[str, str]
    ) -> Launch:
        name = f"batchscore-{secrets.token_hex(8)}"
        argv = [self.engine, "run", "--rm", "--pull", "never", "--log-driver", "none", "--name", name]
        argv += ["--label", f"{TREE_LABEL}={root}", "--user", self.user]
        argv += ["--env-file", str(_written(given, root.parent / "environment")), _mount(root, str(ML_ROOT))]
        return Launch(
            argv=[*argv, *options, self.image_id, *arguments],
            environment=self.engine_environment,
            end_argv=(self.engine, "rm", "--force", name),
        )


def container_image(reference: str, environment: Mapping[str, str]) -> ContainerImage:
    """Find the engine and the image, and make the network that model containers are in.

    Args:
        reference: Name and tag of the image.
        environment: Of the engine's command line, such as this process's own.

    Raises:
        CallerError: There is no engine, it does not answer, or it does not have the image.
    """
    engine = shutil.which(ENGINE, path=environment.get("PATH", os.defpath))
    if engine is None:
        raise CallerError(
            f"--containers: no container engine is here: `{ENGINE}` is not on the PATH; install one, or "
            "leave out --containers to run the steps as processes"
        )
    answer = _ask(engine, ["version", "--format", "{{.Server.Version}}"], environment)
    if answer.returncode != 0:
        raise CallerError(
            f"--containers: `{ENGINE}` is here, but its engine does not answer: {answer.stderr.strip()}; "
            "start it, or leave out --containers to run the steps as processes"
        )
    answer = _ask(engine, ["image", "inspect", "--format", "{{.Id}}", reference], environment)
    if answer.returncode != 0:
        raise CallerError(
            f"--containers: the engine has no image {reference}; build it with `make image` "
            f"({answer.stderr.strip()})"
        )
    _make_network(engine, environment)
    return ContainerImage(
        engine=engine,
        image_id=answer.stdout.strip(),
        user=f"{os.getuid()}:{os.getgid()}",
        engine_environment=dict(environment),
    )


def _make_network(engine: str, environment: Mapping[str, str]) -> None:
    is_there = ["network", "inspect", NETWORK]
    if _ask(engine, is_there, environment).returncode == 0:
        return
    made = _ask(engine, ["network", "create", *_NETWORK_OPTIONS, NETWORK], environment)
    if made.returncode != 0 and _ask(engine, is_there, environment).returncode != 0:  # nor by another run
        raise CallerError(f"--containers: the network {NETWORK} cannot be made: {made.stderr.strip()}")


def _ask(
    engine: str, arguments: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own argv, and no shell reads it
        [engine, *arguments], env=dict(environment), capture_output=True, text=True, check=False
    )


def _mount(source: Path, target: str, *more: str) -> str:
    """Return a `--mount` option; it is read as a line of CSV, so a path may have any character."""
    quoted = str(source.absolute()).replace('"', '""')
    return ",".join(["--mount=type=bind", f'"source={quoted}"', f"target={target}", *more])


def _written(given: Mapping[str, str], path: Path) -> Path:
    """Write the container's variables to a file that only its owner reads, and return it.

    Raises:
        CallerError: A value has a line break, which such a file cannot hold.
    """
    broken = [name for name, value in given.items() if "\n" in value or "\r" in value]
    if broken:
        raise CallerError(
            f"--containers: the variable {broken[0]} has a line break; run without --containers"
        )
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in given.items()), encoding="utf-8")
    return path
