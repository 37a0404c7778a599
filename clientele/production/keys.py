"""Keys that make pseudonyms of people: one a purpose, so that two lists cannot be laid together.

A plain hash of a client id is no pseudonym: whoever tries all ids finds each of them in less than a
second. HMAC (RFC 2104) with SHA-256 needs a key, which stays in the environment or in a file that
only its owner reads, and never reaches dbt, whose logs and compiled SQL keep what they are told.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

PUBLICATION = "publication"  # pseudonyms of customers in what is published
ERASURE = "erasure"  # pseudonyms of people who were erased
PURPOSES = (PUBLICATION, ERASURE)
LEAST_BYTES = 32


class KeyFileError(Exception):
    """A key cannot be had; the message is one line that says what to do."""


def key_variable(purpose: str) -> str:
    """Return the environment variable of a key: hexadecimal digits."""
    return f"CLIENTELE_{purpose.upper()}_KEY"


def read_key(folder: Path, purpose: str, *, make: bool = False) -> bytes:
    """Return the key of a purpose: from the environment, else from `<folder>/<purpose>.key`.

    make: write a new one where there is none. A key that is lost is lost: versions that were
        published before and after cannot be joined by customer, and erased people would come back.

    Raises KeyFileError.
    """
    given = os.environ.get(key_variable(purpose))
    path = folder / f"{purpose}.key"
    try:
        if given is not None:
            return _checked(given, key_variable(purpose))
        if make and not path.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_new(path)
        if path.stat().st_mode & 0o077:
            raise KeyFileError(f"{path} can be read by others; chmod 600 {path}")
        return _checked(path.read_text("ascii"), str(path))
    except FileNotFoundError as error:
        raise KeyFileError(
            f"no key at {path}; restore that file, or give the key as {key_variable(purpose)}"
        ) from error
    except UnicodeDecodeError as error:
        raise KeyFileError(_shape(str(path))) from error
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror or error}") from error


def key_if_any(folder: Path, purpose: str) -> bytes | None:
    """Return the key of a purpose, or None where none is given; what is given must be right.

    Raises KeyFileError.
    """
    if key_variable(purpose) in os.environ or (folder / f"{purpose}.key").exists():
        return read_key(folder, purpose)
    return None


def pseudonym(key: bytes, source: str, client_id: str) -> str:
    """Return the pseudonym of a person as 64 hexadecimal digits.

    client_id: in its canonical form, see `canonical_id`.
    """
    return hmac.new(key, f"{source}:{client_id}".encode(), hashlib.sha256).hexdigest()


def key_mark(key: bytes) -> str:
    """Return a mark that tells a key from others and says nothing else of it."""
    return hmac.new(key, b"which key this is", hashlib.sha256).hexdigest()[:16]


def require_key_of(path: Path, key: bytes, marks: Iterable[str]) -> None:
    """Require that a list of erased people was written with this key, as far as its marks say.

    With another one nobody on it would be recognised. Raises KeyFileError.
    """
    if set(marks) - {key_mark(key)}:
        raise KeyFileError(
            f"{path} was written with another key of erasure than the one that is given; restore "
            f"that in {path.parent / 'keys' / 'erasure.key'} or {key_variable(ERASURE)}"
        )


def canonical_id(text: str) -> str | None:
    """Return the form of an id that people are told apart by, as the macro canonical_id does."""
    return text.strip(" ").lower() or None


def hmac_blocks(key: bytes) -> tuple[bytes, bytes]:
    """Return the inner and the outer block of a key, as SQL needs them for its own HMAC.

    `sha256(outer || unhex(sha256(inner || encode(text))))` is then what `pseudonym` computes of the
    text; both go into a statement as parameters, never as text.
    """
    padded = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    return bytes(byte ^ 0x36 for byte in padded), bytes(byte ^ 0x5C for byte in padded)


def _write_new(path: Path) -> None:
    from clientele.durable import sync_folder

    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(path.with_suffix(".new"), flags, 0o600)
    try:
        os.write(file, secrets.token_hex(LEAST_BYTES).encode() + b"\n")
        os.fsync(file)
    finally:
        os.close(file)
    path.with_suffix(".new").rename(path)
    sync_folder(path.parent)


def _checked(text: str, place: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError as error:
        raise KeyFileError(_shape(place)) from error
    if len(key) < LEAST_BYTES:
        raise KeyFileError(_shape(place))
    return key


def _shape(place: str) -> str:
    return (
        f"{place} must be at least {LEAST_BYTES * 2} hexadecimal digits, as `openssl rand -hex "
        f"{LEAST_BYTES}` gives them"
    )
