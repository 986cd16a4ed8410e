"""Settle one shard: read its kept records and its answers, compare, publish, and sum up what is needed later.

Shards are settled one by one or side by side; what is kept of a shard in memory are a few numbers, and on
disk the scores of the records whose outcome is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.dataset import DatasetContract, ModelOutputs
from contracts.errors import InternalError
from contracts.plan import Shard
from contracts.value_histogram import ValueHistogram, empty_histogram, value_histogram
from contracts.wire import ERROR_COLUMN, SCORE_COLUMN
from reporting.action_values import ShardValues, keep_values
from reporting.answers import ID_COLUMN, read_answers, with_ids
from reporting.distribution import ScoreSummary, summarise
from reporting.kept_files import decoded, read_kept
from reporting.labelled_records import LabelledRecords, keep_labelled, keep_labelled_outputs
from reporting.labels import known_outcomes
from reporting.outputs import OutputsSummary, are_counted, record_numbers, summarise_outputs
from reporting.publish import part_name, published_table
from reporting.published_part import PublishedFile, write_part
from reporting.reconcile import shard_faults
from reporting.request import ReportRequest
from reporting.segments import SegmentCodes

MAX_ERRORS_KEPT = 5
"""Unscorable records of one shard that the report may show."""


@dataclass(frozen=True, kw_only=True)
class ShardSettlement:
    """What one shard came to.

    Attributes:
        record_count: Records that came back; 0 if there are faults.
        faults: Why its books do not balance; if there are any, nothing was published of it.
        summary: Of its scores; of several outputs, of the number of each record that
            `reporting.outputs` says.
        histogram: Of the numbers that the summary is of.
        outputs: Of several outputs that are counted; else None.
        unscorable_count: Records that came back with an error.
        unscorable_examples: The first of them, as (id, error).
        labelled: What its records with a known outcome left behind.
        values: By what its records are put on the action list, or None.
        files: What was published, one for each format.
    """

    record_count: int
    faults: tuple[str, ...]
    summary: ScoreSummary
    histogram: ValueHistogram
    outputs: OutputsSummary | None
    unscorable_count: int
    unscorable_examples: tuple[tuple[str, str], ...]
    labelled: LabelledRecords
    values: ShardValues | None
    files: tuple[PublishedFile, ...]


@dataclass(frozen=True, kw_only=True)
class ShardDesk:
    """Settles shards of one run.

    Attributes:
        request: What the report is asked for.
        contract: The contract in force.
        kept_names: Columns that are published beside id and score, in this order.
        kept_folder: Holds each shard's ids, labels and kept columns.
        outputs: Path of each output by its file name.
        scores_folder: Where the run's scores are published.
        ranked_folder: For the scores of labelled records, which are needed again when all shards are settled.
        segment_codes: Of the fields by which quality is taken apart.
        action_codes: Of the field for each of whose values there is an action list, or None.
        late_rows: Rows that are compared but not published, by name of the shard.
    """

    request: ReportRequest
    contract: DatasetContract
    kept_names: tuple[str, ...]
    kept_folder: Path
    outputs: dict[str, Path]
    scores_folder: Path
    ranked_folder: Path
    segment_codes: Mapping[str, SegmentCodes] = field(default_factory=dict)
    action_codes: SegmentCodes | None = None
    late_rows: Mapping[str, np.ndarray] = field(default_factory=dict)

    def settle(self, shard: Shard) -> ShardSettlement:
        """Compare one shard's answers with its records, and publish them if they agree.

        Raises:
            PlatformError: What PrepareInput kept of the shard cannot be read.
        """
        kept = decoded(self._kept(shard))
        try:
            answers = with_ids(self._answers(shard), kept.column(self.contract.id_field))
            faults = shard_faults(shard, kept.column(self.contract.id_field), answers.column(ID_COLUMN))
        except InternalError as error:
            faults = [str(error)]
        if faults:
            return _refused(faults)
        kept, answers = self._published(shard, kept), self._published(shard, answers)
        answers = answers.set_column(0, ID_COLUMN, kept.column(self.contract.id_field))
        return self._settled(shard, kept, answers, self._publish(shard, kept, answers))

    def _publish(self, shard: Shard, kept: pa.Table, answers: pa.Table) -> tuple[PublishedFile, ...]:
        """Write the scores in every format that is asked for."""
        chosen, files = kept.select(list(self.kept_names)), []
        for output_format in self.request.output_formats:
            table = published_table(
                answers,
                chosen,
                contract=self.contract,
                request=self.request,
                output_format=output_format,
            )
            name = part_name(shard.name, output_format, self.request)
            files.append(write_part(self.scores_folder / name, table, name))
        return tuple(files)

    def scores(self, shard: Shard, settled: ShardSettlement) -> np.ndarray:
        """Return the shard's scores as its summary has them, without those of unscorable records."""
        if settled.values is not None:
            scores = settled.values.scores
            return np.asarray(scores[~np.isnan(scores)])
        answers = self._published(shard, self._answers(shard))
        assert self.contract.outputs is not None  # noqa: S101 - else there are values
        return record_numbers(answers.column(SCORE_COLUMN).drop_null(), self.contract.outputs)

    def rows(self, shard: Shard, values: ShardValues, positions: np.ndarray) -> tuple[pa.Table, np.ndarray]:
        """Return records of a settled shard: id, score, what the action list is made by, the kept columns.

        Their outcomes, float64 and NaN where not known, are beside them: the list does not publish them.

        Args:
            shard: Of a model with one output.
            values: Of the shard.
            positions: Among its published records, rising.
        """
        chosen = pa.array(positions)
        kept = decoded(self._published(shard, self._kept(shard)).take(chosen))
        scores = pa.array(values.scores[positions])
        rules = self.contract.report.action_list
        used = (rules.segment, rules.value.field if rules.value else None, *self.kept_names)
        names = [name for name in dict.fromkeys(used) if name]
        ids = {self.contract.id_field: kept.column(self.contract.id_field), SCORE_COLUMN: scores}
        records = pa.table({**ids, **{name: kept.column(name) for name in names}})
        return records, known_outcomes(kept, self.contract)

    def _published(self, shard: Shard, records: pa.Table) -> pa.Table:
        """Return the records of a shard without its late rows."""
        late = self.late_rows.get(shard.name)
        if late is None:
            return records
        return records.take(pa.array(np.delete(np.arange(len(records)), late)))

    def _answers(self, shard: Shard) -> pa.Table:
        return read_answers(
            self.outputs[shard.output_name],
            wire_format=self.request.wire_format,
            outputs=self.contract.outputs,
        )

    def _kept(self, shard: Shard) -> pa.Table:
        needed = (self.contract.id_field, self.contract.label, *self.kept_names, *self.contract.report.fields)
        wanted = list(dict.fromkeys(name for name in needed if name))
        return read_kept(self.kept_folder / shard.kept_name, wanted)

    def _settled(
        self, shard: Shard, kept: pa.Table, answers: pa.Table, files: tuple[PublishedFile, ...]
    ) -> ShardSettlement:
        folder = self.ranked_folder / shard.name
        if self.contract.outputs is not None:
            labelled = keep_labelled_outputs(answers, kept, self.contract, self.contract.outputs, folder)
            return _settled_outputs(answers, self.contract.outputs, files, labelled)
        scores = _numbers(answers.column(SCORE_COLUMN))
        is_scored = ~np.isnan(scores)
        scored = scores if is_scored.all() else scores[is_scored]
        histogram = value_histogram(scored)
        return ShardSettlement(
            record_count=len(answers),
            faults=(),
            summary=summarise(scored),
            histogram=histogram,
            outputs=None,
            unscorable_count=len(scores) - len(scored),
            unscorable_examples=tuple(_first_errors(answers)),
            labelled=keep_labelled(scores, kept, self.contract, self.segment_codes, folder),
            values=keep_values(
                scores, histogram, kept, self.contract.report.action_list, self.action_codes, folder
            ),
            files=files,
        )


def _settled_outputs(
    answers: pa.Table,
    outputs: ModelOutputs,
    files: tuple[PublishedFile, ...],
    labelled: LabelledRecords,
) -> ShardSettlement:
    """Return what a shard of several outputs came to."""
    numbers = record_numbers(answers.column(SCORE_COLUMN), outputs)
    return ShardSettlement(
        record_count=len(answers),
        faults=(),
        summary=summarise(numbers),
        histogram=value_histogram(numbers),
        outputs=summarise_outputs(answers, outputs) if are_counted(outputs) else None,
        unscorable_count=len(answers) - len(numbers),
        unscorable_examples=tuple(_first_errors(answers)),
        labelled=labelled,
        values=None,
        files=files,
    )


def _refused(faults: list[str]) -> ShardSettlement:
    nothing = np.empty(0)
    return ShardSettlement(
        record_count=0,
        faults=tuple(faults),
        summary=summarise(nothing),
        histogram=empty_histogram(),
        outputs=None,
        unscorable_count=0,
        unscorable_examples=(),
        labelled=LabelledRecords(),
        values=None,
        files=(),
    )


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    if column.null_count:
        column = pc.fill_null(column, float("nan"))
    return np.asarray(column.to_numpy())


def _first_errors(answers: pa.Table) -> Iterator[tuple[str, str]]:
    if answers.column(ERROR_COLUMN).null_count == len(answers):
        return
    unscorable = answers.filter(pc.is_valid(answers.column(ERROR_COLUMN))).slice(0, MAX_ERRORS_KEPT)
    for record in unscorable.select([ID_COLUMN, ERROR_COLUMN]).to_pylist():
        yield str(record[ID_COLUMN]), record[ERROR_COLUMN]
