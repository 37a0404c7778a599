"""A simulated shop with known truth, written as the native tables of the source `market`."""

from clientele.simulator.simulation import ShopSummary, simulate

__all__ = ["ShopSummary", "simulate"]
