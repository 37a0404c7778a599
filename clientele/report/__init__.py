"""The report: the page that marketers and analysts open, read from the public tables alone."""

from clientele.report.page import queries, render
from clientele.report.reading import read_shops

__all__ = ["queries", "read_shops", "render"]
