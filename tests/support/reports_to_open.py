"""Reports of several kinds, to be opened in a browser: full of labels, of markup, and of next to nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from tiny_run import CONTRACT, TinyRun, TinyShard, quarantined

MARKUP = "<img src=x onerror='window.pwned=1'>"
"""Sets `window.pwned` where it gets onto a page as markup."""

HOSTILE_TEXTS = (
    MARKUP,
    "<script>window.pwned=1</script>",
    "\"><svg onload='window.pwned=1'>",
    "'><style onload='window.pwned=1'></style>",
    "</title></style></pre></svg><script>window.pwned=1</script>",
    "javascript:window.pwned=1",
    "{{ 7 * 7 }}${7*7}",
    "\u202eevil \U0001f600 \u0007",
    "W" * 400,
)
"""What sources, errors and parameters may hold: markup, an early end of it, a template, an endless word."""


def rich_run() -> TinyRun:
    """Return a run of 400 labelled records, whose scores say something about the label, and 3 held back."""
    generator = np.random.default_rng(7)
    scores = generator.random(400).round(2)
    labels = np.where(generator.random(400) < scores, "Yes", "No").tolist()
    shard = TinyShard.scored([f"c{number}" for number in range(400)], scores.tolist(), labels)
    held_back = [quarantined(3), quarantined(9, reason="wrong_type"), quarantined(12)]
    return TinyRun(shards=[shard], quarantined=held_back)


def hostile_run() -> TinyRun:
    """Return a run with HOSTILE_TEXTS wherever a text of others gets onto the page."""
    label = CONTRACT["fields"][2] | {"description": " ".join(HOSTILE_TEXTS[:6])}
    contract = CONTRACT | {"description": MARKUP, "fields": [*CONTRACT["fields"][:2], label]}
    ids = [f"{number} {text}" for number, text in enumerate(HOSTILE_TEXTS)]
    failed = TinyShard(ids=ids, labels=ids, answers=[(id_, None, id_) for id_ in ids])
    scored = TinyShard.scored(["a", "b", "c"], [0.2, 0.4, 0.9], ["No", MARKUP, "Yes"])
    held_back = [
        quarantined(number, reason=text, message=text, raw=text.encode())
        for number, text in enumerate(HOSTILE_TEXTS)
    ]
    parameters = {f"Given {number} {text}": text for number, text in enumerate(HOSTILE_TEXTS)}
    return TinyRun(shards=[failed, scored], quarantined=held_back, contract=contract, parameters=parameters)


def unlabelled_run() -> TinyRun:
    """Return a run under a contract without a label."""
    contract: dict[str, Any] = CONTRACT | {"scoring": {"features": ["tenure"]}}
    shard = TinyShard.scored([f"c{number}" for number in range(50)], np.linspace(-3, 9, 50).tolist())
    return TinyRun(shards=[shard], contract=contract)


def single_record_run() -> TinyRun:
    """Return a run of one record without a label."""
    return TinyRun(shards=[TinyShard.scored(["c0"], [0.5])])


RUNS_TO_OPEN = {
    "rich": rich_run,
    "hostile": hostile_run,
    "unlabelled": unlabelled_run,
    "single record": single_record_run,
}

WHOLE = "whole"
"""The one of `whole_report`."""
