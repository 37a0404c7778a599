"""Numbers with no more digits than their interval carries."""

from __future__ import annotations

import math
from dataclasses import dataclass

NOT_KNOWN = "not known"
MINUS = "\N{MINUS SIGN}"
MOST_DECIMALS = 4
Z_95 = 1.959964


@dataclass(frozen=True)
class Estimate:
    """A number and the ends of its 95 % interval, each null where it is not known."""

    value: float | None
    lower: float | None = None
    upper: float | None = None

    @property
    def has_interval(self) -> bool:
        """Whether there is an interval, and it is more than a point."""
        if self.lower is None or self.upper is None:
            return False
        return self.lower < self.upper and not math.isclose(self.lower, self.upper)

    def includes(self, number: float) -> bool:
        """Whether the interval includes a number."""
        return self.has_interval and self.lower <= number <= self.upper


def decimals(estimate: Estimate, default: int, scale: float = 1) -> int:
    """Return the decimals that an estimate carries.

    Half the interval is known to one digit, or to two where it begins with 1 or 2, and the value
    is printed as far as that goes. default: decimals without an interval; scale: 100 for percent.
    """
    if not estimate.has_interval:
        return default
    half = scale * (estimate.upper - estimate.lower) / 2
    exponent = math.floor(math.log10(half))
    digits = -exponent + (1 if half / 10**exponent < 3 else 0)
    return min(max(digits, 0), MOST_DECIMALS)


def number(value: float | None, digits: int = 0) -> str:
    """Return a number with separators of thousands and a true minus sign."""
    if value is None:
        return NOT_KNOWN
    text = f"{value:,.{digits}f}"
    is_zero = float(text.replace(",", "")) == 0
    return text.lstrip("-") if is_zero else text.replace("-", MINUS)


def percent(share: float | None, digits: int = 0) -> str:
    """Return a share from 0 to 1 as a percentage."""
    return NOT_KNOWN if share is None else f"{number(100 * share, digits)}\N{NO-BREAK SPACE}%"


def rate(share: float | None, count: int | None) -> Estimate:
    """Return a share of `count` customers with its Wilson interval.

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference",
    Journal of the American Statistical Association 22.
    """
    if share is None or not count:
        return Estimate(share)
    spread = Z_95**2 / count
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    return Estimate(share, max(0.0, middle - half), min(1.0, middle + half))
