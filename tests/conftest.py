"""What holds for every test: no network beyond loopback, no AWS account, the same seed everywhere."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from browser import NO_CHROMIUM, chromium_path, running_browser
from hypothesis import settings
from playwright.sync_api import Browser
from pytest_socket import socket_allow_hosts

settings.register_profile("default", deadline=None, derandomize=True)
# For `make fuzz`: other examples at every run, and those that failed are kept and tried first.
settings.register_profile("fuzz", deadline=None, derandomize=False, max_examples=300, print_blob=True)
settings.load_profile("default")

# A suite that is started in the background inherits an ignored Ctrl-C, and so would all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

for _name in [name for name in os.environ if name.startswith(("AWS_", "SAGEMAKER_", "BATCHSCORE_"))]:
    del os.environ[_name]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written instead of compared."""
    return bool(request.config.getoption("--update-golden"))


# Not for the session: where it runs, this thread has a running event loop, and other tests start their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium that is cut off from every network."""
    if chromium_path() is None:
        pytest.skip(NO_CHROMIUM)
    with running_browser() as running:
        yield running


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup() -> None:
    """Block every connection that leaves this machine."""
    socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)
