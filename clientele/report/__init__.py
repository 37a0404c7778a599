"""The report: the page that marketers and analysts open, read from the public tables alone."""

from clientele.report.page import render

__all__ = ["render"]
