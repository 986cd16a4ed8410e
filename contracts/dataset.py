"""The dataset contract: what a record looks like, and which of its fields a model scores.

A contract is one YAML or JSON file, a Frictionless Table Schema (https://datapackage.org/standard/table-schema/)
with one more key, `scoring`:

    fields:
      - {name: customer_id, type: string, constraints: {required: true, minLength: 1}}
      - {name: tenure, type: integer, constraints: {required: true, minimum: 0}}
      - {name: contract, type: string, categories: [Month-to-month, One year, Two year]}
      - {name: churn, type: string, constraints: {enum: ["No", "Yes"]}}
      - {name: seen, type: list, itemType: string, delimiter: ","}   # texts, delimited where a source is text
    primaryKey: customer_id
    missingValues: [""]
    dialect: {delimiter: auto, header: true, encoding: utf-8}   # of CSV sources; these are the defaults
    scoring:
      features: [tenure, contract]        # what the model reads, in its order
      label: churn                        # optional: known outcomes, for model quality
      positiveLabel: "Yes"                # the label value that a score of 1 predicts
      modelInput: vector                  # or `text`, `image`: the model reads its one feature as it is
      image: {fit: stretch}               # optional, with `modelInput: image`, see `contracts.image_rules`
      unseenCategory: quarantine          # or `missing`: the model sees a missing value
      duplicateIds: keepFirst             # or `quarantineAll`: of valid records with the same id
      outputs: [no, yes, unsure]          # optional: names of the model's several outputs, in its order,
                                          # or how many it has without names: `outputs: 384`, and of 32 bits
                                          # each `outputs: {count: 384, type: float32}`
      topK: 2                             # optional, with `outputs`: keep only the largest two of a record
      exclude: seen                       # optional, with both: a list whose items are never among those kept
      report: {threshold: 0.3}            # optional: what the report shows, see `contracts.report_rules`

A field of the source that the contract does not name is ignored. The source must have the id, the features,
the list under `exclude` and every other field that is `required`. Not so the label: its column may be absent
and its value missing, `required` or not, since what is scored need not have an outcome yet.
`constraints.enum` says what is valid; `categories` says what the model has seen, and a value outside it is
handled by `unseenCategory`. Without `outputs` the model answers one number for each record, its score.
Reading and checking a contract is `contracts.contract_file`.
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from contracts.image_rules import ImageRules
from contracts.report_rules import ReportRules

LIST_TYPE = "list"
FIELD_TYPES = ("string", "integer", "number", "boolean", "date", "datetime", LIST_TYPE)
FEATURE_TYPES = ("string", "integer", "number", "boolean")
BINARY_TYPE = "binary"
"""What `{type: string, format: binary}` is: bytes, written as base64 where the source is text."""

VECTOR_INPUT, TEXT_INPUT, IMAGE_INPUT = MODEL_INPUTS = ("vector", "text", "image")
"""What a model reads of a record: its features as numbers, or its one feature as it is."""

NUMBER_TYPES = ("float64", "float32")
"""Of outputs: as exact as any model computes, or half as many bytes."""

UNSEEN_CATEGORY_POLICIES = ("quarantine", "missing")
DUPLICATE_ID_POLICIES = ("keepFirst", "quarantineAll")
AUTO_DELIMITER = "auto"
DELIMITERS = (",", ";", "\t", "|")
ITEM_DELIMITER = ","
"""Between the items of a list, where nothing else is said."""


@dataclass(frozen=True, kw_only=True)
class Constraints:
    """Rules for one field, in Table Schema's words.

    Attributes:
        required: A missing value is a fault, except in the label.
        unique: No two records have the same value; for the primary key it goes without saying.
        minimum: Smallest valid value, inclusive, in the field's type.
        maximum: Largest valid value, inclusive, in the field's type.
        enum: The only valid values, or empty for any.
        pattern: Regular expression that the whole value matches (RE2 syntax), or None.
        min_length: Fewest characters; of a binary field, bytes; of a list, items.
        max_length: Most characters; of a binary field, bytes; of a list, items.
    """

    required: bool = False
    unique: bool = False
    minimum: Any = None
    maximum: Any = None
    enum: tuple[Any, ...] = ()
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a record.

    Attributes:
        name: As in the header of the source.
        type: One of FIELD_TYPES, or BINARY_TYPE.
        description: For people; empty if none was given.
        constraints: Its rules.
        categories: The values that the model has seen, in code order; empty if the field is no category.
        delimiter: Between the items of a list that is written as text; at least one character.
    """

    name: str
    type: str
    description: str = ""
    constraints: Constraints = field(default_factory=Constraints)
    categories: tuple[str, ...] = ()
    delimiter: str = ITEM_DELIMITER


@dataclass(frozen=True, kw_only=True)
class CsvDialect:
    """How CSV sources are written, where that is declared.

    Attributes:
        delimiter: One of DELIMITERS, or AUTO_DELIMITER: the one with which the header has the needed fields.
        has_header: Whether the first record names the fields; otherwise they are the contract's, in order.
        encoding: Name of the text encoding, as Python knows it in normal form (`utf-8`, `cp1252`).
    """

    delimiter: str = AUTO_DELIMITER
    has_header: bool = True
    encoding: str = "utf-8"


@dataclass(frozen=True, kw_only=True)
class ModelOutputs:
    """The several outputs of a model: class probabilities, a vector, several targets.

    Attributes:
        count: Numbers that the model answers for each record; at least 2.
        names: Of the outputs, in the model's order; empty if they have none.
        top_k: How many of a record's outputs are kept, the largest first, equal ones in the model's order;
            None for all of them, in the model's order.
        number_type: One of NUMBER_TYPES, in which outputs travel and are published; float32 only of a vector.
        exclude: Name of the list whose items are never among the kept outputs, or None. Fewer than `top_k`
            are kept of a record where fewer are left.
    """

    count: int
    names: tuple[str, ...] = ()
    top_k: int | None = None
    number_type: str = NUMBER_TYPES[0]
    exclude: str | None = None

    @property
    def is_vector(self) -> bool:
        """Whether the outputs are the places of a vector, and do not stand for something each."""
        return not self.names and self.top_k is None

    @property
    def kept_count(self) -> int:
        """Numbers that are kept of each record; under `exclude`, at most."""
        return self.count if self.top_k is None else self.top_k

    @property
    def labels(self) -> tuple[str, ...]:
        """What each output is called: its name, else its position from 0."""
        return self.names or tuple(str(position) for position in range(self.count))


@dataclass(frozen=True, kw_only=True)
class DatasetContract:
    """A checked contract.

    Attributes:
        fields: In the order of the file.
        id_field: Name of the primary key, which every record must have, each its own.
        missing_values: Texts that mean "no value".
        features: Names of the fields that the model reads, in its order; at least one.
        model_input: One of MODEL_INPUTS; there is exactly one feature if it is no vector.
        image: How images are taken; None where the model reads none.
        label: Name of the field with the known outcome, or None.
        positive_label: The label's value that counts as 1, or None for a numeric label.
        unseen_category: One of UNSEEN_CATEGORY_POLICIES.
        duplicate_ids: One of DUPLICATE_ID_POLICIES.
        outputs: Of the model, or None if it answers one number for each record.
        dialect: Of CSV sources.
        report: What the report shows.
        description: For people; empty if none was given.
    """

    fields: tuple[Field, ...]
    id_field: str
    missing_values: tuple[str, ...] = ("",)
    features: tuple[str, ...]
    model_input: str = VECTOR_INPUT
    image: ImageRules | None = None
    label: str | None = None
    positive_label: Any = None
    unseen_category: str = "quarantine"
    duplicate_ids: str = "keepFirst"
    outputs: ModelOutputs | None = None
    dialect: CsvDialect = field(default_factory=CsvDialect)
    report: ReportRules = field(default_factory=ReportRules)
    description: str = ""

    def field(self, name: str) -> Field:
        """Return the field of that name, which must exist."""
        return self._fields_by_name[name]

    @functools.cached_property
    def _fields_by_name(self) -> dict[str, Field]:
        return {entry.name: entry for entry in self.fields}

    @property
    def feature_fields(self) -> tuple[Field, ...]:
        """The features' fields, in the model's order."""
        return tuple(self.field(name) for name in self.features)

    @property
    def kept_output_count(self) -> int:
        """Numbers that are kept of each record, at most; 1 for a model with one output."""
        return 1 if self.outputs is None else self.outputs.kept_count

    @property
    def exclude(self) -> str | None:
        """Name of the list that says which outputs a record must not get, or None."""
        return None if self.outputs is None else self.outputs.exclude

    @property
    def sent_names(self) -> tuple[str, ...]:
        """Names of the fields that a model server reads beside the id, where records travel as columns."""
        return self.features if self.exclude is None else (*self.features, self.exclude)

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits that change with what changes a feature vector, an id or the form of a score.

        Descriptions, the label, the report, and rules about what is valid are left out: a stricter contract
        scores the records that it lets through exactly as before.
        """
        meaning: dict[str, Any] = {
            "id": [self.id_field, self.field(self.id_field).type],
            "missing": sorted(self.missing_values),
            "features": [[entry.name, entry.type, list(entry.categories)] for entry in self.feature_fields],
        }
        if self.outputs is not None:  # contracts without keep the fingerprint that they always had
            meaning["outputs"] = [self.outputs.count, list(self.outputs.names), self.outputs.top_k]
            if self.outputs.number_type != NUMBER_TYPES[0]:
                meaning["outputs"].append(self.outputs.number_type)
        if self.model_input != VECTOR_INPUT:
            meaning["modelInput"] = self.model_input
        if self.image is not None:
            meaning["image"] = [self.image.max_pixels, self.image.fit]
        if self.exclude is not None:
            meaning["exclude"] = [self.exclude, self.field(self.exclude).delimiter]
        text = json.dumps(meaning, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
