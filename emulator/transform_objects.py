"""Find the objects that a transform job scores: all below a prefix, or those that an S3 manifest file names.

An S3 manifest file is a JSON list: first `{"prefix": "s3://bucket/folder/"}`, then keys, each of which is put
after the prefix as it stands [doc: API_TransformS3DataSource]. Either way objects come in key order, which is
the order in which they are dealt out.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from contracts.errors import CallerError, bounded
from emulator.object_store import SCHEME, ObjectStore, StoredObject
from emulator.transform_request import TransformRequest

_FAULTS_NAMED = 5
_FORM = 'expected [{"prefix": "s3://bucket/folder/"}, "key", …]'


def transform_objects(store: ObjectStore, facts: TransformRequest) -> tuple[list[StoredObject], str]:
    """Return the objects in key order, and the prefix below which their outputs are named.

    Raises:
        CallerError: There is nothing to score, or the S3 manifest file is none or names what is not there.
    """
    if facts.s3_data_type == "ManifestFile":
        return _objects_of_a_manifest(store, facts.input_uri)
    objects = store.list(facts.input_uri)
    if not objects:
        raise CallerError(f"no object is below {facts.input_uri}, so there is nothing to transform")
    return objects, facts.input_uri


def _objects_of_a_manifest(store: ObjectStore, uri: str) -> tuple[list[StoredObject], str]:
    prefix, keys = _read_manifest(store, uri)
    objects, absent = [], []
    for key in sorted(keys):
        path = store.path_of(prefix + key)
        if path.is_file():
            objects.append(StoredObject(uri=prefix + key, path=path, byte_count=path.stat().st_size))
        else:
            absent.append(prefix + key)
    if absent:
        more = f" and {len(absent) - _FAULTS_NAMED} more" if len(absent) > _FAULTS_NAMED else ""
        raise CallerError(
            f"S3 manifest file {uri}: names {len(absent)} of {len(keys)} objects that are not there: "
            + ", ".join(absent[:_FAULTS_NAMED])
            + more
        )
    return objects, prefix


def _read_manifest(store: ObjectStore, uri: str) -> tuple[str, list[str]]:
    try:
        document = json.loads(store.path_of(uri).read_bytes())
    except (OSError, ValueError) as error:
        raise CallerError(f"S3 manifest file {uri}: cannot be read as JSON: {error}; {_FORM}") from error
    fault = _fault_of(document)
    if fault:
        raise CallerError(f"S3 manifest file {uri}: {fault}; {_FORM}")
    return document[0]["prefix"], document[1:]


def _fault_of(document: Any) -> str:
    """Say what is wrong with a parsed S3 manifest file; empty if nothing is."""
    if not isinstance(document, list) or not document:
        return f"is {bounded(repr(document), 100)}"
    first, keys = document[0], document[1:]
    if not isinstance(first, dict) or set(first) != {"prefix"}:
        return f"starts with {bounded(repr(first), 100)}"
    if not isinstance(first["prefix"], str) or not first["prefix"].startswith(SCHEME):
        return f"has the prefix {bounded(repr(first['prefix']), 100)}"
    if not keys:
        return "names no object, so there is nothing to transform"
    strange = [key for key in keys if not isinstance(key, str) or not key]
    if strange:
        return f"has the key {bounded(repr(strange[0]), 100)}"
    twice = [key for key, count in Counter(keys).items() if count > 1]
    return f"names {twice[0]!r} twice" if twice else ""
