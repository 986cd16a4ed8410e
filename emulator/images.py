"""What stands for a container image: this machine's interpreter, or (`emulator.containers`) a real image."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from contracts.container_paths import ML_ROOT_VARIABLE
from emulator.forked_processes import ForkServer, Modules, is_able

HOST = "127.0.0.1"
"""Where the port of a model server is, and nowhere else."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How a container, or the process in its place, is started.

    Attributes:
        argv: Of the process that lives as long as the container does, and ends with its exit code.
        environment: All of that process's variables.
        end_argv: What ends a container that outlived that process; empty if nothing can outlive its group.
    """

    argv: Sequence[str]
    environment: Mapping[str, str]
    end_argv: tuple[str, ...] = ()


class Image(Protocol):
    """What stands for a container image: this machine's interpreter, or a real image."""

    def job(
        self, command: Sequence[str], root: Path, given: Mapping[str, str], inputs: Sequence[str] = ()
    ) -> Launch:
        """Return what runs a processing container.

        Args:
            command: Entry point and arguments.
            root: Folder that stands for `/opt/ml`.
            given: Variables of the container, from the definition.
            inputs: Folders below `/opt/ml` that the container only reads.
        """

    def server(self, root: Path, given: Mapping[str, str], port: int) -> Launch:
        """Return what runs a model container that answers on `port` of 127.0.0.1; arguments as for `job`."""

    def place_input(self, source: Path, target: Path) -> None:
        """Make an object appear as the file `target` below a container's root."""

    def fork_server(self) -> ForkServer | None:
        """Return what starts its processes sooner, or None."""


@dataclass(frozen=True, kw_only=True)
class LocalImage:
    """What stands for a container image where containers are processes.

    Attributes:
        python: Interpreter that has the image's packages; it takes the place of `python3` in an argv.
        serve_entrypoint: The image's ENTRYPOINT, to which a model container adds `serve`.
        serve_options: Stand before `serve`.
        environment: Variables that the image sets.
        preloaded: What its code imports, to be read once a run where processes can be forked.
    """

    python: str
    serve_entrypoint: tuple[str, ...]
    serve_options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    preloaded: Modules = field(default_factory=Modules)

    def argv(self, command: Sequence[str]) -> list[str]:
        """Return `command` as this machine can start it."""
        return [self.python if command[0] in ("python", "python3") else command[0], *command[1:]]

    def job(
        self, command: Sequence[str], root: Path, given: Mapping[str, str], inputs: Sequence[str] = ()
    ) -> Launch:
        """Return what runs a processing container; see `Image`."""
        del inputs  # links, which nobody writes to by mistake
        return Launch(argv=self.argv(command), environment=self._environment(root, given))

    def server(self, root: Path, given: Mapping[str, str], port: int) -> Launch:
        """Return what runs a model container; see `Image`."""
        place = {"SAGEMAKER_BIND_TO_PORT": str(port), "BATCHSCORE_BIND_ADDRESS": HOST}
        return Launch(
            argv=self.argv([*self.serve_entrypoint, *self.serve_options, "serve"]),
            environment=self._environment(root, {**given, **place}),
        )

    def place_input(self, source: Path, target: Path) -> None:
        """Link to an object: nothing is paid for twice on one disk."""
        target.symlink_to(source.absolute())

    def fork_server(self) -> ForkServer | None:
        """Start what has read the preloaded modules already when a process is started; see `Image`."""
        if not self.preloaded.first or not is_able():
            return None
        try:
            return ForkServer(self.python, self.preloaded, self._own_environment())
        except OSError:  # not all that calls itself Linux has sockets that keep messages apart (WSL 1)
            return None

    def _environment(self, root: Path, given: Mapping[str, str]) -> dict[str, str]:
        """Return a container's whole environment: the image's, the definition's, and where its tree is."""
        return {**self._own_environment(), **given, ML_ROOT_VARIABLE: str(root)}

    def _own_environment(self) -> dict[str, str]:
        basis = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
        return {**basis, **self.environment}
