"""Numbers, money and dates as a locale writes them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton
from babel.numbers import (
    format_compact_currency,
    format_currency,
    format_decimal,
    format_percent,
    get_currency_symbol,
)

from clientele.pages.rounding import MINUS, NOT_KNOWN

Number = int | float | Decimal
DEFAULT_LOCALE = "en_GB"


class UnknownLocale(ValueError):
    """Nobody knows the locale; the message is one line."""


class Numbers:
    """Writes numbers, money and dates in one locale and one currency; null is "not known".

    locale: as CLDR names it, `en_GB` or `de-DE`; currency: an ISO 4217 code, null where it is not
    known: money is then a plain number. Raises UnknownLocale.
    """

    def __init__(self, locale: str = DEFAULT_LOCALE, currency: str | None = None) -> None:
        try:
            self.locale = Locale.parse(locale.replace("-", "_"))
        except (UnknownLocaleError, ValueError) as error:
            raise UnknownLocale(f"{locale} is not a locale; en_GB or de_DE is one") from error
        self.currency = currency

    def number(self, value: Number | None, digits: int = 0) -> str:
        """Return a number with separators of thousands and so many decimals."""
        if value is None:
            return NOT_KNOWN
        value = round(Decimal(str(value)), digits)
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return _minus(format_decimal(value + 0, format=pattern, locale=self.locale))

    def percent(self, share: Number | None, digits: int = 0) -> str:
        """Return a share from 0 to 1 as a percentage."""
        if share is None:
            return NOT_KNOWN
        share = round(Decimal(str(share)), digits + 2)
        pattern = self.locale.percent_formats[None].pattern
        if digits:
            pattern = pattern.replace("##0", "##0." + "0" * digits)
        return _minus(format_percent(share + 0, format=pattern, locale=self.locale))

    def money(self, value: Number | None, digits: int = 0) -> str:
        """Return an amount in the currency with so many decimals."""
        if value is None or self.currency is None:
            return self.number(value, digits)
        value = round(Decimal(str(value)), digits)
        pattern = self.locale.currency_formats["standard"].pattern.split(";")[0]
        pattern = pattern.replace("0.00", "0." + "0" * digits if digits else "0")
        text = format_currency(
            value + 0, self.currency, format=pattern, locale=self.locale, currency_digits=False
        )
        return _minus(text)

    def short_money(self, value: Number | None) -> str:
        """Return an amount in three digits and a word of size: 1.23 million euro is €1.23M."""
        if value is None:
            return NOT_KNOWN
        if abs(value) < 10_000:
            return self.money(value)
        digits = max(0, 2 - (len(str(int(abs(value)))) - 1) % 3)
        if self.currency is None:
            return self.number(value)
        return _minus(
            format_compact_currency(
                value, self.currency, locale=self.locale, fraction_digits=digits
            )
        )

    def day(self, value: date | None) -> str:
        """Return a date, for example 3 Jan 2026."""
        return NOT_KNOWN if value is None else format_date(value, "medium", locale=self.locale)

    def month(self, value: date | None) -> str:
        """Return the month of a date, for example Jan 2026."""
        return NOT_KNOWN if value is None else format_skeleton("yMMM", value, locale=self.locale)

    def axis_numbers(self) -> dict[str, Any]:
        """Return how charts write numbers, as Vega's `formatLocale` wants it."""
        symbols = self.locale.number_symbols["latn"]
        sign = get_currency_symbol(self.currency, self.locale) if self.currency else ""
        sign_first = self.locale.currency_formats["standard"].pattern.startswith("\xa4")
        return {
            "decimal": symbols["decimal"],
            "thousands": symbols["group"],
            "grouping": [3],
            "currency": [sign, ""] if sign_first else ["", f"\N{NO-BREAK SPACE}{sign}"],
            "minus": MINUS,
        }

    def axis_dates(self) -> dict[str, Any]:
        """Return how charts write dates, as Vega's `timeFormatLocale` wants it."""

        def names(of: Any) -> list[str]:
            return [of[key] for key in sorted(of)]

        days = {form: names(self.locale.days["format"][form]) for form in ("wide", "abbreviated")}
        months = self.locale.months["format"]
        return {
            "dateTime": "%x, %X",
            "date": "%Y-%m-%d",
            "time": "%H:%M:%S",
            "periods": ["AM", "PM"],
            "days": days["wide"][-1:] + days["wide"][:-1],  # Sunday first; Babel begins on Monday
            "shortDays": days["abbreviated"][-1:] + days["abbreviated"][:-1],
            "months": names(months["wide"]),
            "shortMonths": names(months["abbreviated"]),
        }


def _minus(text: str) -> str:
    return text.replace("-", MINUS)
