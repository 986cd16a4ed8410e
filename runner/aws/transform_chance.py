"""What differs from run to run in a modelled transform job: slow payloads and instances, failed requests.

All of it is drawn from a seed, so that the same job with the same seed takes the same time. Spreads are
log-normal with mean 1: they change no expected amount of work, only how it is spread.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Chance:
    """How much a job is left to chance; by default, nothing.

    Attributes:
        seed: Of everything that is drawn.
        payload_spread: Standard deviation of the logarithm of a payload's time.
        instance_spread: The same for whole instances: some are slower for the entire job.
        straggler_fraction: Of the payloads, in [0, 1], that take much longer than others.
        straggler_slowdown: So many times as long, at least 1.
        failure_fraction: Of the requests, in [0, 1), that fail after their whole time.
        max_retries: Times that a failed request is sent again, by the same slot, before its object fails.
    """

    seed: int = 0
    payload_spread: float = 0.0
    instance_spread: float = 0.0
    straggler_fraction: float = 0.0
    straggler_slowdown: float = 1.0
    failure_fraction: float = 0.0
    max_retries: int = 3

    def draws(self) -> Draws:
        """Return a new source of draws from the seed."""
        return Draws(self)


class Draws:
    """What chance gives, in the order in which it is asked."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._random = np.random.default_rng(chance.seed)

    def instance_factors(self, count: int) -> Numbers:
        """Return by how much each instance is slower than expected."""
        return self._spread(self._chance.instance_spread, count)

    def payload_factors(self, count: int) -> Numbers:
        """Return by how much each payload takes longer than expected."""
        chance = self._chance
        factors = self._spread(chance.payload_spread, count)
        if chance.straggler_fraction:
            slow = self._random.random(count) < chance.straggler_fraction
            factors[slow] *= chance.straggler_slowdown
        return factors

    def failures(self, count: int) -> npt.NDArray[np.int64]:
        """Return how often each request fails in a row before it would succeed, at most max_retries + 1."""
        chance = self._chance
        if not chance.failure_fraction:
            return np.zeros(count, np.int64)
        failed = self._random.geometric(1 - chance.failure_fraction, count) - 1
        return np.minimum(failed, chance.max_retries + 1)

    def _spread(self, deviation: float, count: int) -> Numbers:
        if not deviation:
            return np.ones(count)
        return np.exp(self._random.normal(-(deviation**2) / 2, deviation, count))
