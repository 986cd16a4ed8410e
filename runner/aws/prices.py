"""What an hour of an instance costs: from the AWS Price List API, kept in one file a region and day.

<state>/prices/<region>-<YYYY-MM-DD>.json   what was asked on that day

Today's file is believed; what it does not have is asked for and added. Where the API cannot be asked, the
newest older file is taken, and every price says on which day it was asked for. No price is known otherwise.

A price is found by region (`regionCode`) and usage type: `USE1-Tsform:ml.c5.9xlarge` for transform jobs,
`USE1-Processing:ml.m5.xlarge` for processing jobs, the first part being the region's **[src]** (answers of
the API that public repositories keep); the form of a product is **[doc]** (AWS Billing guide, "Price List").
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contracts.atomic_files import write_json
from contracts.errors import CallerError
from runner.aws.errors import explain
from runner.aws.jobs import PROCESSING, TRANSFORM
from runner.aws.session import AwsConnection

SERVICE_CODE = "AmazonSageMaker"
USAGE_WORDS = {"transform": "Tsform", "processing": "Processing"}
PREFERRED_REGION = "us-east-1"
SOURCE = "AWS Price List API, on demand, USD an hour"

_FILE_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What is paid for by the hour.

    Attributes:
        job: `transform` or `processing`.
        instance_type: Such as `ml.m5.xlarge`.
    """

    job: str
    instance_type: str

    @property
    def usage_type(self) -> str:
        """The usage type without the region's part."""
        return f"{USAGE_WORDS[self.job]}:{self.instance_type}"


@dataclass(frozen=True, kw_only=True)
class Price:
    """A price that was asked for.

    Attributes:
        usd_per_hour: Of one instance.
        asked_on: ISO date.
        file: Where it is kept.
    """

    usd_per_hour: float
    asked_on: str
    file: Path


@dataclass(frozen=True, kw_only=True)
class Prices:
    """The prices of a plan.

    Attributes:
        by_usage: Those that are known.
        why_unknown: Why others are not; empty where all are known.
    """

    by_usage: Mapping[Usage, Price]
    why_unknown: str

    def of(self, job: str, instance_type: str) -> float | None:
        """Return the price of an hour in USD, or None."""
        price = self.by_usage.get(Usage(job=job, instance_type=instance_type))
        return price.usd_per_hour if price else None


def find_prices(connection: AwsConnection, usages: Iterable[Usage], folder: Path, today: dt.date) -> Prices:
    """Return the price of each usage, as far as it is known.

    Args:
        connection: Its region is priced.
        usages: What is paid for.
        folder: With the files of all regions and days; made when something is first written.
        today: UTC date.

    Raises:
        CallerError: A file in the folder is damaged.
    """
    wanted = list(dict.fromkeys(usages))
    path = folder / f"{connection.region}-{today.isoformat()}.json"
    known = _kept(path)
    why = ""
    missing = [usage for usage in wanted if usage.usage_type not in known]
    if missing:
        try:
            asked = {usage.usage_type: _asked(connection, usage) for usage in missing}
        except (BotoCoreError, ClientError, CallerError) as error:
            why = f"the Price List API cannot be asked: {explain(error) or error}"
        else:
            known.update({name: value for name, value in asked.items() if value is not None})
            _keep(path, connection.region, today, known)
    found = {
        usage: price
        for usage in wanted
        if (price := _newest(usage, connection.region, folder, today)) is not None
    }
    unknown = sorted({usage.usage_type for usage in wanted if usage not in found})
    if unknown and not why:
        why = (
            f"the Price List API has no price in USD an hour for {', '.join(unknown)} in {connection.region}"
        )
    return Prices(by_usage=found, why_unknown=why if unknown else "")


def kept_prices(region: str, folder: Path, today: dt.date) -> dict[tuple[str, str], float]:
    """Return the newest kept prices by component (as `runner.aws.jobs` names it) and instance type.

    Asks nothing of AWS: for commands that only show what a run costs where that is known.

    Raises:
        CallerError: A file in the folder is damaged.
    """
    components = {USAGE_WORDS["transform"]: TRANSFORM, USAGE_WORDS["processing"]: PROCESSING}
    found: dict[tuple[str, str], float] = {}
    for _, file in _files(region, folder, today):
        for usage_type, usd in _kept(file).items():
            word, _, instance_type = usage_type.partition(":")
            if word in components:
                found.setdefault((components[word], instance_type), usd)
    return found


def _newest(usage: Usage, region: str, folder: Path, today: dt.date) -> Price | None:
    """Return the price in today's file, else in the newest older one of the region that has it."""
    for asked_on, file in _files(region, folder, today):
        if (value := _kept(file).get(usage.usage_type)) is not None:
            return Price(usd_per_hour=value, asked_on=asked_on, file=file)
    return None


def _files(region: str, folder: Path, today: dt.date) -> Iterator[tuple[str, Path]]:
    """Yield the date and path of each file of a region, newest first, none of a day to come."""
    for file in sorted(folder.glob(f"{region}-*.json"), reverse=True):
        asked_on = file.stem.removeprefix(f"{region}-")
        if _FILE_DATE.fullmatch(asked_on) and asked_on <= today.isoformat():
            yield asked_on, file


def _kept(path: Path) -> dict[str, float]:
    if not path.exists():
        return {}
    try:
        return {name: float(value) for name, value in json.loads(path.read_bytes())["usd_per_hour"].items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CallerError(
            f"{path}: cannot be read as kept prices; delete it, and they are asked for"
        ) from error


def _keep(path: Path, region: str, today: dt.date, known: Mapping[str, float]) -> None:
    if not known:
        return
    facts = {"region": region, "asked_on": today.isoformat(), "source": SOURCE}
    write_json(path, {**facts, "usd_per_hour": dict(sorted(known.items()))})


def _asked(connection: AwsConnection, usage: Usage) -> float | None:
    pages = connection.client("pricing", region=_pricing_region(connection)).get_paginator("get_products")
    # [src] botocore's model has both kinds of filter; the region's part of a usage type stands nowhere.
    filters = [
        {"Type": "TERM_MATCH", "Field": "regionCode", "Value": connection.region},
        {"Type": "CONTAINS", "Field": "usagetype", "Value": usage.usage_type},
    ]
    prices = {
        price
        for page in pages.paginate(ServiceCode=SERVICE_CODE, Filters=filters)
        for text in page["PriceList"]
        for price in hourly_usd(json.loads(text), usage)
    }
    return prices.pop() if len(prices) == 1 else None  # several are tiers or variants: none is *the* price


def hourly_usd(product: Mapping[str, Any], usage: Usage) -> Iterator[float]:
    """Yield the prices above 0 of an hour on demand, if a product of the price list is that usage."""
    attributes = product.get("product", {}).get("attributes", {})
    form = rf"(?:[A-Z0-9]+-)?{re.escape(usage.usage_type)}"
    if not re.fullmatch(form, attributes.get("usagetype", "")):
        return
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term.get("priceDimensions", {}).values():
            price = float(dimension.get("pricePerUnit", {}).get("USD", 0))
            if dimension.get("unit", "").lower() in {"hrs", "hours", "hour"} and price > 0:
                yield price


def _pricing_region(connection: AwsConnection) -> str:
    """Return a region that answers for prices. [src] botocore's endpoints: three of the partition `aws`."""
    partition = connection.session.get_partition_for_region(connection.region)
    regions = connection.session.get_available_regions("pricing", partition_name=partition)
    if not regions:
        raise CallerError(f"there is none in the partition {partition}")
    for region in (connection.region, PREFERRED_REGION):
        if region in regions:
            return str(region)
    return str(regions[0])
