"""What goes wrong on the way from the shop to the landing zone.

Mess is put on the finished clean tables with random streams of its own: the rows underneath are
the same for every amount of mess. A row gets at most one defect. Copies (duplicates, conflicts,
orphans) stand behind their clean original; all other defects change one value of a row. A row that
is defective at some mess is so at every larger one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clientele.simulator.plan import Streams
from clientele.simulator.tables import NativeTable

COPY, CHANGE, HARMLESS = "copy", "change", "harmless"
SLOT = 0.03  # share of the rows that one kind of defect can reach; no rate is above it

# A variant is a column and an SQL expression for its text; {value} is the clean text.
Variants = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Defect:
    """One kind of defect of one table."""

    kind: str
    effect: str  # COPY adds a row, CHANGE spoils a value, HARMLESS leaves its meaning
    rate: float  # share of the rows at mess 1
    variants: Variants  # one of them is drawn for each defective row


def _each(columns: tuple[str, ...], *expressions: str) -> Variants:
    return tuple((column, text) for column in columns for text in expressions)


def _text(*values: str) -> tuple[str, ...]:
    return tuple(f"'{value}'" for value in values)


def _date_defects(*columns: str) -> tuple[Defect, ...]:
    bad = _text("2025-13-45", "31/12/2025", "0000-00-00")
    far = _text("1900-01-01 00:00:00", "2099-12-31 23:59:59")
    return (
        Defect("bad_date", CHANGE, 0.012, _each(columns, *bad)),
        Defect("far_date", CHANGE, 0.01, _each(columns, *far)),
    )


def _amount_defects(*columns: str) -> tuple[Defect, ...]:
    thousands = (
        "'1,' || lpad({value}, 6, '0')",
        "'1.' || replace(lpad({value}, 6, '0'), '.', ',')",
    )
    return (
        Defect("negative_amount", CHANGE, 0.012, _each(columns, "'-1' || {value}")),
        Defect("absurd_amount", CHANGE, 0.01, _each(columns, *_text("1e300", "999999999999"))),
        Defect("not_a_number", CHANGE, 0.01, _each(columns, *_text("NaN", "inf", "-Infinity"))),
        Defect("decimal_comma", CHANGE, 0.012, _each(columns, "replace({value}, '.', ',')")),
        Defect("thousands_separator", CHANGE, 0.01, _each(columns, *thousands)),
        Defect("odd_number", CHANGE, 0.01, _each(columns, *_text("0x10", "1e3", "1_000"))),
        Defect("padded_number", HARMLESS, 0.02, _each(columns, "' ' || {value} || ' '")),
    )


def _required_defects(*columns: str) -> tuple[Defect, ...]:
    return (
        Defect("null_required", CHANGE, 0.012, _each(columns, "null")),
        Defect("blank_required", CHANGE, 0.012, _each(columns, *_text("", "  "))),
    )


def _padded_ids(*columns: str) -> Defect:
    return Defect("padded_id", HARMLESS, 0.02, _each(columns, "' ' || {value} || '  '"))


def _upper_ids(*columns: str) -> Defect:
    return Defect("id_case", HARMLESS, 0.02, _each(columns, "upper({value})"))


DUPLICATE = Defect("exact_duplicate", COPY, 0.02, ())
ORPHAN = Defect("orphan", COPY, 0.012, (("order_id", "'9' || {value}"),))

# What tills write into sales transactions; braces are doubled, since {value} is filled in.
NO_DATES = ("2025-13-45", "31/02/2025", "unknown", "2025-3-4")
FAR_DATES = ("19000101", "31/12/2099")
NO_NUMBERS = ("12,50", "NaN", "1e3", "0x10")
BROKEN_JSON = (
    "left({value}, length({value}) - 1)",
    "replace({value}, chr(34), chr(39))",
    *_text("tyre x 2", "17"),
)
NAMELESS = ('[{{"qty": 2}}]', '["part_0001"]')
NOT_WHOLE = ('[{{"product": "part_0001", "qty": 2.5}}]', '{{"part_0001": "two"}}')
NO_PIECES = ('{{"part_0001": 0}}', '{{"product": "part_0001", "qty": "-1"}}')

DEFECTS: dict[str, tuple[Defect, ...]] = {
    "market_order": (
        DUPLICATE,
        Defect("conflicting_copy", COPY, 0.01, (("basketvalue", "'2' || {value}"),)),
        *_date_defects("createdate", "checkoutdate", "deliverdate"),
        *_amount_defects("basketvalue", "chargedamount", "deliveryfee", "discountamount"),
        *_required_defects("client_id", "order_id", "createdate", "basketvalue"),
        _padded_ids("client_id", "order_id", "city_id"),
        _upper_ids("city_id"),
        Defect("rating_out_of_range", CHANGE, 0.01, (("rating", "'9'"),)),
    ),
    "app_open": (
        DUPLICATE,
        *_date_defects("appopendate"),
        *_required_defects("client_id", "appopendate"),
        _padded_ids("client_id"),
    ),
    "promo_detail": (
        DUPLICATE,
        Defect("conflicting_copy", COPY, 0.01, (("promoobjective", "'test_' || {value}"),)),
        ORPHAN,
        *_required_defects("order_id", "promo_id"),
        _padded_ids("order_id", "promo_id"),
        _upper_ids("promo_id"),
    ),
    "product_detail": (
        DUPLICATE,
        Defect("conflicting_copy", COPY, 0.01, (("count", "'1' || {value}"),)),
        ORPHAN,
        *_amount_defects("price"),
        Defect("fractional_count", CHANGE, 0.01, (("count", "'10.5'"), ("count", "'2.5'"))),
        Defect("odd_count", CHANGE, 0.01, _each(("count",), *_text("0x10", "1e1", "-1"))),
        *_required_defects("order_id", "product_id", "count", "price"),
        _padded_ids("order_id", "product_id"),
        _upper_ids("product_id"),
    ),
    # A row that may not be accepted has one reason, the same for all variants of a kind.
    "sales_transactions": (
        DUPLICATE,
        Defect("conflicting_copy", COPY, 0.01, (("total_amt", "'2' || {value}"),)),
        Defect("bad_date", CHANGE, 0.02, _each(("payment_date",), *_text(*NO_DATES))),
        Defect("far_date", CHANGE, 0.01, _each(("payment_date",), *_text(*FAR_DATES))),
        Defect("no_date", CHANGE, 0.012, _each(("payment_date",), "null", "''")),
        Defect("no_id", CHANGE, 0.012, _each(("transaction_id",), "null", "'  '")),
        Defect("no_member", CHANGE, 0.03, _each(("member_id",), "null", "''")),
        Defect("no_total", CHANGE, 0.03, _each(("total_amt",), "null", "' '")),
        Defect("negative_total", CHANGE, 0.012, (("total_amt", "'-1' || {value}"),)),
        Defect("absurd_total", CHANGE, 0.01, (("total_amt", "'999999999999'"),)),
        Defect("unreadable_total", CHANGE, 0.012, _each(("total_amt",), *_text(*NO_NUMBERS))),
        Defect("padded_total", HARMLESS, 0.02, (("total_amt", "' ' || {value} || ' '"),)),
        Defect("negative_discount", CHANGE, 0.01, (("discount", "'-5.00'"),)),
        Defect("unreadable_discount", CHANGE, 0.01, (("discount", "'10%'"),)),
        Defect("unreadable_paid", CHANGE, 0.01, (("paid_amt", "'on account'"),)),
        Defect("no_products", CHANGE, 0.03, _each(("product_json",), "null", "''")),
        Defect("broken_json", CHANGE, 0.02, _each(("product_json",), *BROKEN_JSON)),
        Defect("nameless_product", CHANGE, 0.01, _each(("product_json",), *_text(*NAMELESS))),
        Defect("no_whole_quantity", CHANGE, 0.01, _each(("product_json",), *_text(*NOT_WHOLE))),
        Defect("no_pieces", CHANGE, 0.01, _each(("product_json",), *_text(*NO_PIECES))),
        _padded_ids("transaction_id", "member_id", "channel"),
        _upper_ids("transaction_id", "channel"),
    ),
}


@dataclass(frozen=True)
class Mess:
    """The defects of one table, one element a clean row."""

    defects: tuple[Defect, ...]
    code: np.ndarray  # index into the defects, -1 for none
    variant: np.ndarray  # index into the defect's variants

    def counts(self) -> np.ndarray:
        """Return the number of rows with each defect."""
        return np.bincount(self.code[self.code >= 0], minlength=len(self.defects))

    def written_rows(self) -> int:
        """Return the number of rows with the copies."""
        return self.code.size + int(self._is_copy(self.code).sum())

    def spread(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return what is written for some clean rows.

        Args:
            rows: numbers of clean rows, ascending.

        Returns:
            Row number, defect code and variant of each row to write; the original of a copy has
            no defect and stands before it.
        """
        code = self.code[rows]
        is_copy = self._is_copy(code)
        written = np.repeat(np.arange(rows.size), 1 + is_copy)
        is_original = np.zeros(written.size, dtype=bool)
        is_original[:-1] = written[1:] == written[:-1]
        code = np.where(is_original, -1, code[written]).astype(np.int8)
        return rows[written], code, self.variant[rows][written]

    def columns(self, table: NativeTable) -> dict[str, str]:
        """Return the table's columns as SQL that reads `defect` and `variant`, too."""
        columns = {}
        for column, clean in table.columns.items():
            cases = [
                f"when defect = {code} and variant = {variant} then {text.format(value=clean)}"
                for code, defect in enumerate(self.defects)
                for variant, (changed, text) in enumerate(defect.variants)
                if changed == column
            ]
            columns[column] = f"case {' '.join(cases)} else {clean} end" if cases else clean
        return columns

    def _is_copy(self, code: np.ndarray) -> np.ndarray:
        effects = np.array([defect.effect == COPY for defect in self.defects] + [False])
        return effects[code]  # -1, no defect, is the last


def draw_mess(table: NativeTable, amount: float, streams: Streams) -> Mess:
    """Draw the defects of a table.

    Args:
        amount: 0 for a clean table, 1 for the defects' full rates.
    """
    defects = DEFECTS[table.name]
    chance = streams(f"mess/{table.name}/defect").random(table.rows)
    slot = np.minimum(chance / SLOT, len(defects)).astype(np.int8)
    rates = np.array([defect.rate for defect in defects] + [0.0]) * amount
    code = np.where(chance - slot * SLOT < rates[slot], slot, -1).astype(np.int8)
    variants = np.array([max(1, len(defect.variants)) for defect in defects] + [1])
    pick = streams(f"mess/{table.name}/variant").random(table.rows)
    return Mess(defects, code, (pick * variants[code]).astype(np.int8))
