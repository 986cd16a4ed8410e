"""Put the server together: size it, load the model, give the application what it serves with, run it."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TextIO

from contracts.stopwatch import Stopwatch, started_stopwatch
from contracts.wire import CSV_CONTENT_TYPE, RECORDIO_CONTENT_TYPE
from serving.app import ScoringApp, Service
from serving.codecs import Codec
from serving.invocation import codecs_for
from serving.libsvm_codec import LIBSVM_CONTENT_TYPES
from serving.model_folder import ServedModel, find_model, load_model_folder
from serving.request_log import RequestLog
from serving.server import check_port, run_server
from serving.settings import ServerSettings
from serving.sizing import (
    LOADED_BYTES_PER_MODEL_BYTE,
    plan_capacity,
    resident_bytes,
    this_machine,
)

BUILTIN_CONTENT_TYPES = (CSV_CONTENT_TYPE, RECORDIO_CONTENT_TYPE, *LIBSVM_CONTENT_TYPES)
"""[src] aws/sagemaker-xgboost-container, `serve_utils.parse_content_data`."""


class Run(Protocol):
    """Serves an application until it is told to stop; see `serving.server.run_server`."""

    def __call__(self, app: ScoringApp, *, address: str, port: int, log: RequestLog) -> None:
        """Serve."""
        ...


def serve(
    settings: ServerSettings,
    log_stream: TextIO,
    *,
    is_contract_optional: bool = False,
    run: Run = run_server,
    stopwatch: Stopwatch | None = None,
) -> None:
    """Serve until told to stop.

    Args:
        settings: What to serve, and where.
        log_stream: Gets the log of requests.
        is_contract_optional: Serve a model alone too, as AWS's built-in XGBoost container does.
        run: The server; the benchmarks compare it with others.
        stopwatch: Is told what is being done, or None if nobody wants to know.

    Raises:
        CallerError: The model folder is not fit to be served, or the port is taken.
    """
    stopwatch = stopwatch or started_stopwatch()
    plan = functools.partial(
        plan_capacity,
        this_machine(),
        max_payload_mb=settings.max_payload_mb,
        requested=settings.concurrent_transforms,
    )
    model_bytes = find_model(settings.model_folder).stat().st_size
    guessed = plan(loaded_bytes=resident_bytes() + model_bytes * LOADED_BYTES_PER_MODEL_BYTE)
    with stopwatch.part("load the model"):
        model = load_model_folder(
            settings.model_folder,
            threads=guessed.threads_per_transform,
            expected_fingerprint=settings.expected_fingerprint,
            is_contract_optional=is_contract_optional,
        )
    capacity = plan(loaded_bytes=resident_bytes())
    check_port(settings.bind_address, settings.port)
    log = RequestLog(log_stream)
    with ThreadPoolExecutor(capacity.concurrent_transforms, thread_name_prefix="scoring") as executor:
        service = Service(
            scorer=model.scorer,
            codecs=served_codecs(model),
            max_payload_mb=settings.max_payload_mb,
            concurrent_transforms=capacity.concurrent_transforms,
            transform_memory_bytes=capacity.transform_memory_bytes,
            executor=executor,
            log=log,
            stopwatch=stopwatch,
        )
        with stopwatch.part("wait for payloads"):
            run(ScoringApp(service), address=settings.bind_address, port=settings.port, log=log)


def served_codecs(model: ServedModel) -> dict[str, Codec]:
    """Return the codecs by content type: all of them, for a model alone those of the built-in container."""
    codecs = codecs_for(model.contract, baseline=model.baseline)
    return {name: codecs[name] for name in BUILTIN_CONTENT_TYPES} if model.is_alone else codecs
