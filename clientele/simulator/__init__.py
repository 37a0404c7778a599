"""A simulated shop with known truth, written as the native tables of the source `market`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clientele.simulator.simulation import ShopSummary, simulate

__all__ = ["ShopSummary", "simulate"]


def __getattr__(name: str) -> Any:
    """Load the simulation when it is asked for: numpy and pandas take a third of a second."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from clientele.simulator import simulation

    return getattr(simulation, name)
