"""When the shop is busy: a clock that runs fast in busy hours and slow in quiet ones.

The buying process lives in *shop days*, in which every customer buys at a constant rate. The
season maps shop days to the calendar and back, monotonically, so that the order of events stays
and the process stays exactly Poisson in shop days. The shop's period has as many shop days as
calendar days.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from clientele.simulator.plan import ShopPlan

HOURS_PER_DAY = 24
SECONDS_PER_HOUR = 3_600
HORIZON_DAYS = 130  # the map reaches past the end, for windows that end after it

# Relative demand by hour of the day, Monday to Sunday, and over the year.
HOUR_DEMAND = np.array(
    [0.25, 0.12, 0.08, 0.06, 0.06, 0.08, 0.2, 0.45, 0.8, 1.05, 1.2, 1.3]
    + [1.35, 1.2, 1.1, 1.15, 1.3, 1.6, 1.95, 2.1, 1.95, 1.55, 1.05, 0.6]
)
WEEKDAY_DEMAND = np.array([0.97, 0.92, 0.93, 0.97, 1.06, 1.1, 1.05])
YEAR_SWING = 0.07  # amplitude of the yearly wave
YEAR_PEAK_DAY = 355  # day of the year


class Season:
    """Monotone map between shop days and seconds of the calendar."""

    def __init__(self, plan: ShopPlan) -> None:
        days = np.arange(plan.days + HORIZON_DAYS)
        demand = np.ones(days.size)
        if not plan.no_signal:  # a shop without signal is as busy on one day as on another
            dates = [plan.start + timedelta(days=int(day)) for day in days]
            weekday = np.array([day.weekday() for day in dates])
            day_of_year = np.array([day.timetuple().tm_yday for day in dates])
            wave = np.cos(2 * np.pi * (day_of_year - YEAR_PEAK_DAY) / 365.25)
            demand = WEEKDAY_DEMAND[weekday] * (1 + YEAR_SWING * wave)
        hourly = (demand[:, None] * HOUR_DEMAND[None, :]).ravel()
        shop_days = np.concatenate([[0.0], np.cumsum(hourly)])
        shop_days *= plan.days / shop_days[plan.days * HOURS_PER_DAY]
        self._shop_days = shop_days
        self._seconds = np.arange(shop_days.size, dtype=float) * SECONDS_PER_HOUR

    def to_seconds(self, shop_days: np.ndarray | float) -> np.ndarray:
        """Return whole seconds from the start for a time in shop days."""
        return np.floor(np.interp(shop_days, self._shop_days, self._seconds)).astype(np.int64)

    def to_shop_days(self, seconds: np.ndarray | float) -> np.ndarray:
        """Return shop days for seconds from the start."""
        return np.interp(seconds, self._seconds, self._shop_days)
