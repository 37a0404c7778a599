"""Numbers, money and dates as a locale writes them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton
from babel.numbers import (
    format_compact_currency,
    format_compact_decimal,
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
        """Return an amount in three digits and a word of size: 1.23 million euro is €1.23M.

        Where the language has no short word of that size, as German for thousands, it is written
        in full.
        """
        if value is None:
            return NOT_KNOWN
        if abs(value) < 10_000 or self.currency is None:
            return self.money(value)
        in_full, value = value, round(Decimal(str(value)), 3 - len(str(int(abs(value)))))
        size = max((at for at in self.sizes() if at <= abs(value)), default=None)
        if size is None:
            return self.money(in_full)
        digits = max(0, 3 - len(str(int(abs(value) / size))))
        return _minus(
            format_compact_currency(
                value, self.currency, locale=self.locale, fraction_digits=digits
            )
        )

    def sizes(self) -> dict[int, tuple[str, str]]:
        """Return what stands before and after a short amount of each size with a short word.

        In English 1,000 has ("€", "K"); without a currency, its sign is left out.
        """
        words = {}
        for power in range(3, 13):
            size = 10**power
            if self.currency is None:
                text = format_compact_decimal(2 * size, locale=self.locale)
            else:
                text = format_compact_currency(2 * size, self.currency, locale=self.locale)
            before, _, after = text.partition("2")
            if not after.startswith("0"):
                words[size] = (before, after)
        return words

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
        money = self.locale.currency_formats["standard"].pattern.split(";")[0]
        space = "\N{NO-BREAK SPACE}" if "\N{NO-BREAK SPACE}" in money and sign else ""
        sign_first = money.startswith("\xa4")
        return {
            "decimal": symbols["decimal"],
            "thousands": symbols["group"],
            "grouping": [3],
            "currency": [sign + space, ""] if sign_first else ["", space + sign],
            "percent": self.locale.percent_formats[None].pattern.partition("0")[2] or "%",
            "minus": MINUS,
        }

    def axis_label(self, *, is_money: bool) -> str:
        """Return how an axis writes its numbers, short, as a `labelExpr` of Vega.

        From 1,000 on they have the language's word of size, where it has one: 20 000 is 20K.
        """
        plain = self if is_money else Numbers(str(self.locale))
        written = f"format(datum.value, '{'$' if is_money else ''},.2~f')"
        for size, (before, after) in plain.sizes().items():
            if size % 1000 == 0 and size < 10**10:
                sign = f"(datum.value < 0 ? '{MINUS}' : '') + " if before else ""
                given = "abs(datum.value)" if before else "datum.value"
                short = f"{sign}{before!r} + format({given} / {size}, ',.2~f') + {after!r}"
                written = f"abs(datum.value) >= {size} ? {short} : {written}"
        return written

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
