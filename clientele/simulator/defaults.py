"""What a shop is simulated as where nothing else is said. Loads at once: the help shows it."""

from __future__ import annotations

from datetime import date

DEFAULT_CUSTOMERS = 3_000
DEFAULT_START = date(2024, 7, 1)
DEFAULT_END = date(2026, 6, 30)
DEFAULT_SEED = 20_260_630
DEFAULT_MESS = 0.2
DEFAULT_CONTRAST = 1.0
DEFAULT_TASTE = 1.0
DEFAULT_PIECE = 300_000  # customers who are drawn at a time; takes about 2 GB
MARKET, SALES_JSON = SHAPES = ("market", "sales_json")
DEFAULT_GAP = (date(2025, 1, 1), date(2025, 6, 30))  # of sales_json
