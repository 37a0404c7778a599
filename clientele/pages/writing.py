"""Templates that become one HTML file which asks nothing of the network."""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

SHARED = Path(__file__).parent


def environment(templates: Path) -> Environment:
    """Return the environment of a page: its own folder of templates, then the shared one."""
    found = Environment(
        loader=FileSystemLoader([templates, SHARED]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    found.filters.update(sentence=sentence, words=words)
    found.globals.update(content_policy=content_policy)
    return found


def content_policy(script: str = "") -> str:
    """Return what a page lets a browser do: run this very script, and ask nobody for anything."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    if script:
        known = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        policy += f"; script-src 'sha256-{known}'"
    return policy


def sentence(reason: str | None) -> str:
    """Return a reason with a capital letter and a full stop."""
    reason = (reason or "no reason was given").strip().rstrip(".")
    return f"{reason[:1].upper()}{reason[1:]}."


def words(name: str) -> str:
    """Return a name of the warehouse as words."""
    return name.replace("_", " ")


def write_page(text: str, output: Path) -> None:
    """Write the page, whole or not at all: readers never see half of it. Raises OSError."""
    output.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, output)
    except BaseException:
        os.unlink(name)
        raise
