"""The arguments of one simulated shop, checked once, and its named random streams."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise

import numpy as np

from clientele.simulator.defaults import (
    DEFAULT_CONTRAST,
    DEFAULT_CUSTOMERS,
    DEFAULT_END,
    DEFAULT_MESS,
    DEFAULT_SEED,
    DEFAULT_START,
    DEFAULT_TASTE,
    MARKET,
    SHAPES,
)

MAX_TASTE = 4.0  # beyond it nobody buys from a second category
MAX_CONTRAST = 4.0  # beyond it a rate or a spend leaves what a shop can have

SECONDS_PER_DAY = 86_400
MAX_CUSTOMERS = 50_000_000  # client ids have eight digits


@dataclass(frozen=True)
class Piece:
    """Which part of a shop's customers a plan is about; the whole shop where nothing is said."""

    number: int = 0
    count: int = 1  # pieces of the shop
    first_customer: int = 0  # customers of the pieces before it


@dataclass(frozen=True)
class ShopPlan:
    """What to simulate. All clocks inside the simulator count seconds from `start` 00:00:00 UTC."""

    customers: int = DEFAULT_CUSTOMERS
    start: date = DEFAULT_START
    end: date = DEFAULT_END
    seed: int = DEFAULT_SEED
    mess: float = DEFAULT_MESS
    no_signal: bool = False
    drift: bool = False
    drift_date: date | None = None
    shape: str = MARKET  # the source whose tables are written
    gap: tuple[date, date] | None = None  # first and last day of which most sales are missing
    contrast: float = DEFAULT_CONTRAST  # how unlike the types of customers are
    taste: float = DEFAULT_TASTE  # how unlike customers are in the categories that they buy
    piece: Piece = Piece()

    def __post_init__(self) -> None:
        """Refuse a plan that no shop can follow.

        Raises:
            ValueError: with one sentence that names the argument and its value.
        """
        if self.start >= self.end:
            raise ValueError(f"start ({self.start}) must be before end ({self.end})")
        if not 0 <= self.customers <= MAX_CUSTOMERS:
            raise ValueError(f"customers ({self.customers}) must be from 0 to {MAX_CUSTOMERS}")
        if not 0.0 <= self.mess <= 1.0:
            raise ValueError(f"mess ({self.mess}) must be from 0 to 1")
        if not 0.0 <= self.contrast <= MAX_CONTRAST:
            raise ValueError(f"contrast ({self.contrast}) must be from 0 to {MAX_CONTRAST:g}")
        if not 0.0 <= self.taste <= MAX_TASTE:
            raise ValueError(f"taste ({self.taste}) must be from 0 to {MAX_TASTE:g}")
        if self.seed < 0:
            raise ValueError(f"seed ({self.seed}) must not be negative")
        if self.drift_date is not None and not self.drift:
            raise ValueError("drift_date is given, but drift is off")
        if self.drift_date is not None and not self.start < self.drift_date <= self.end:
            raise ValueError(f"drift_date ({self.drift_date}) must lie after start, up to end")

        if self.shape not in SHAPES:
            raise ValueError(f"shape ({self.shape}) must be one of {', '.join(SHAPES)}")
        if self.gap is not None and self.gap[0] > self.gap[1]:
            raise ValueError(f"gap must not end ({self.gap[1]}) before it begins ({self.gap[0]})")

    def pieces(self, customers: int) -> list[ShopPlan]:
        """Return the plans of the shop in pieces of at most so many customers, alike in size.

        They have the shop's products, promotions and calendar, and customers and orders of their
        own. A shop that is not above the size is one piece, itself.

        Raises:
            ValueError: if a piece would hold nobody.
        """
        if customers < 1:
            raise ValueError(f"piece ({customers}) must be at least 1")
        count = max(1, -(-self.customers // customers))
        edges = [self.customers * number // count for number in range(count + 1)]
        return [
            replace(self, customers=end - begin, piece=Piece(number, count, begin))
            for number, (begin, end) in enumerate(pairwise(edges))
        ]

    @property
    def days(self) -> int:
        """Length of the period in days, both ends included."""
        return (self.end - self.start).days + 1

    @property
    def seconds(self) -> int:
        """Length of the period in seconds; an event at or after it has not happened yet."""
        return self.days * SECONDS_PER_DAY

    @property
    def start_epoch(self) -> int:
        """Seconds from 1970-01-01 UTC to the first second of the shop."""
        midnight = datetime.combine(self.start, time.min)
        return int((midnight - datetime(1970, 1, 1)).total_seconds())

    @property
    def turning_date(self) -> date:
        """First day of the second phase: the drift date, by default the midpoint.

        A shop without drift has the same two phases with one behaviour, so that it equals the
        shop with drift, row by row, up to this date.
        """
        return self.drift_date or self.start + timedelta(days=max(1, self.days // 2))

    @property
    def turning_second(self) -> int:
        """`turning_date` 00:00:00 in seconds from the start."""
        return (self.turning_date - self.start).days * SECONDS_PER_DAY


class Streams:
    """Independent random streams, one for each named quantity.

    A quantity that draws more or less than before leaves all others as they are. The stream of a
    name depends on the seed, the piece and the name alone (children of numpy's SeedSequence).
    """

    def __init__(self, seed: int, piece: Piece = Piece()) -> None:
        self._seed = seed
        self._piece = (piece.number,) if piece.count > 1 else ()

    def __call__(self, name: str) -> np.random.Generator:
        """Return the generator of `name`, at its beginning."""
        return self._generator(name, self._piece)

    def of_shop(self, name: str) -> np.random.Generator:
        """Return the generator of something that all pieces of the shop have in common."""
        return self._generator(name, ())

    def _generator(self, name: str, piece: tuple[int, ...]) -> np.random.Generator:
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
        sequence = np.random.SeedSequence(self._seed, spawn_key=(key, *piece))
        return np.random.Generator(np.random.PCG64(sequence))
