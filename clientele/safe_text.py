"""What leaves as text: cells that no spreadsheet runs, file names, lines for a terminal."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from clientele.warehouse_file import text_literal

# What a spreadsheet reads as a number, a date or a truth value, whatever sign it begins with.
NOT_TEXT = re.compile(r"\w*INT(EGER)?|DECIMAL.*|FLOAT|DOUBLE|BOOLEAN|DATE|TIME.*")
# A formula begins a cell, or what another separator than ours would make a cell: blanks, marks that
# do not show and quotes may stand before it. The signs exist in full width and in a small form too,
# which some spreadsheets take for the plain ones.
SIGNS = r"[=+\-@\x{ff1d}\x{ff0b}\x{ff0d}\x{ff20}\x{fe66}\x{fe62}\x{fe63}\x{fe6b}]"
UNSEEN = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\pZ\p{Cf}'\"]*"
FORMULA = rf"(^|[;\t\r\n])({UNSEEN}{SIGNS})"
LEADING_CONTROL = r"^('*[\t\r\n])"
LONGEST_NAME = 120


def list_file_name(audience_id: str) -> str:
    """Return the name of a list's file: the audience's id, where that is a plain name.

    Any other id keeps its plain letters, and a hash of the whole id tells it from others that keep
    the same. Names have lower-case letters alone, so none collide where case does not count.
    """
    folded = unicodedata.normalize("NFKD", audience_id).casefold()
    plain = re.sub(r"[^a-z0-9._-]+", "_", folded)
    plain = re.sub(r"[.]{2,}", ".", plain).strip("._-")[:LONGEST_NAME]
    if plain != audience_id:
        plain += "-" + hashlib.sha256(audience_id.encode("utf-8", "replace")).hexdigest()[:12]
    return f"{plain.lstrip('-')}.csv"


def formula_safe(column: str) -> str:
    """Return the SQL of a text column whose cells no spreadsheet reads as a formula.

    An apostrophe is set before `= + - @` at the beginning of a cell, also behind blanks and quotes,
    and behind `;`, a tab or a line break within it, where a spreadsheet that expects another
    separator begins a cell; and before a cell that begins with a tab or a line break. The rule is
    that of OWASP's page on CSV injection.
    """
    guarded = f"regexp_replace({column}, {text_literal(FORMULA)}, '\\1''\\2', 'g')"
    return f"regexp_replace({guarded}, {text_literal(LEADING_CONTROL)}, '''\\1')"


def printable(text: str) -> str:
    """Return a text in one line, with what a terminal would obey written out."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
