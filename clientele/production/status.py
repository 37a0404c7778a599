"""How production stands, as who is called at night wants to know it. Nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from clientele.erasure.erase import unfinished
from clientele.production import journal, keeping
from clientele.production.home import Home
from clientele.production.locks import holder
from clientele.production.run import landed_loads
from clientele.safe_text import printable


def status(home: Home, landing: Path | None, most_hours: float | None = None) -> dict[str, Any]:
    """Return how production stands; `problems` is empty where nobody needs to get up.

    landing: the landing zone, to name the loads that are not in what is served.
    most_hours: the age, in hours since its run began, from which what is served is too old.

    Takes no lock, so it answers while a run is at work. Raises OSError.
    """
    events = journal.read(home.journal)
    served = home.served_run()
    record = (keeping.read_record(home, served) if served else None) or {}
    at_work = holder(home.lock)
    loads = landed_loads(landing) if landing and landing.is_dir() else []
    age = _hours_since(record.get("began_at"))
    found = {
        "served": served,
        "since": _since(events, served),
        "as_of": record.get("as_of"),
        "age_hours": age,
        "at_work": at_work,
        # What retention removed comes after what is worth telling.
        "last_event": next((e for e in reversed(events) if e["event"] != journal.REMOVED), None),
        "versions": _versions(home, events, served),
        "loads_waiting": sorted(set(loads) - set(record.get("loads", []))),
        "unfinished_work": home.work.exists() and at_work is None,
        "unfinished_erasures": sorted({str(entry["source"]) for entry in unfinished(home)}),
    }
    return {**found, "problems": _problems(home, found, record, most_hours)}


def history(home: Home, limit: int | None = None) -> list[dict[str, Any]]:
    """Return the latest events of the journal, oldest first. Raises OSError."""
    events = journal.read(home.journal)
    return events[-limit:] if limit else events


def print_status(found: Mapping[str, Any], console: Console) -> None:
    """Print how production stands, problems last."""
    lines = [("Served", found["served"] or "nothing")]
    if found["served"]:
        dates = ", ".join(f"{name} {day}" for name, day in (found["as_of"] or {}).items())
        age = found["age_hours"]
        lines += [
            ("Since", found["since"] or "not known"),
            ("As of", dates or "not known"),
            ("Age", "not known" if age is None else f"{age:,.1f} hours since its run began"),
        ]
    lines.append(("At work", found["at_work"] or "nobody"))
    if found["last_event"]:
        event = found["last_event"]
        lines.append(("Last event", f"{event.get('at')} {event['event']}: {_what(event)}"))
    if found["unfinished_work"]:
        lines.append(("Unfinished", "a run was killed; the next one begins anew"))
    others = [
        version["run"] + ("" if version["is_there"] else " (damaged)")
        for version in found["versions"]
        if version["run"] != found["served"]
    ]
    lines.append(("Kept versions", ", ".join(reversed(others)) or "no other"))
    waiting = found["loads_waiting"]
    told = ", ".join(waiting[-3:]) + (f" and {len(waiting) - 3} before" if len(waiting) > 3 else "")
    lines.append(("Loads not in it", told or "none"))
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in lines:
        table.add_row(name, Text(printable(str(value))))
    console.print(table)


def print_history(events: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print events as a table, the newest last."""
    table = Table()
    for name in ("At", "Event", "Run"):
        table.add_column(name, no_wrap=True)
    table.add_column("What", overflow="fold")
    for event in events:
        table.add_row(
            Text(printable(str(event.get("at", "")))),
            Text(printable(str(event["event"]))),
            Text(printable(str(event.get("run") or ""))),
            Text(printable(_details(event))),
        )
    console.print(table)


def _what(event: Mapping[str, Any]) -> str:
    return " ".join(part for part in (str(event.get("run") or ""), _details(event)) if part)


def _details(event: Mapping[str, Any]) -> str:
    """What an event tells beside its run."""
    if event["event"] == journal.REFUSED:
        return ", ".join(event.get("checks", []))
    if event["event"] == journal.FAILED:
        return str(event.get("why", ""))
    if event["event"] == journal.ROLLED_BACK:
        return f"from {event.get('served_before') or 'what was served'}"
    if event["event"] in (journal.ERASING, journal.ERASED):
        count = len(event.get("people", []))
        return f"{count:,} of {event.get('source')}, by their pseudonyms"
    parts = [f"{name} {day}" for name, day in (event.get("as_of") or {}).items()]
    parts += [f"accepted {check}" for check in event.get("accepted", [])]
    parts += ["entered later, after a kill"] if event.get("healed") else []
    return ", ".join(parts)


def _versions(home: Home, events: list[dict[str, Any]], served: str | None) -> list[dict[str, Any]]:
    """The versions that are kept, oldest first."""
    at = {event.get("run"): event["at"] for event in events if event["event"] == journal.PROMOTED}
    runs = keeping.promoted(events)
    runs += [served] if served and served not in runs else []
    found = []
    for run in runs:
        record = keeping.read_record(home, run) or {}
        found.append(
            {
                "run": run,
                "is_served": run == served,
                "promoted_at": at.get(run),
                "as_of": record.get("as_of"),
                "bytes": record.get("bytes"),
                "is_there": keeping.seems_whole(home, run),
            }
        )
    return found


def _problems(
    home: Home, found: Mapping[str, Any], record: Mapping[str, Any], most_hours: float | None
) -> list[str]:
    served, age = found["served"], found["age_hours"]
    if served is None:
        return [f"nothing is served at {home.root}; `clientele run` publishes"]
    problems: list[str] = []
    version = home.version(served)
    if not record:
        problems.append(f"{home.record(served)} is missing or damaged")
    # Whole files are read by a run and a rollback; this answers at once.
    for path, size in (
        (version, record.get("bytes")),
        (home.warehouse(served), record.get("warehouse_bytes")),
    ):
        if not path.is_file():
            problems.append(f"{path} is missing; {keeping.advice(home, served)}")
        elif size is not None and path.stat().st_size != size:
            problems.append(f"{path} is not as it was written; {keeping.advice(home, served)}")
        elif path.with_name(path.name + ".wal").exists():
            problems.append(f"{path}.wal: somebody wrote to what is served; move it elsewhere")
    if found["unfinished_erasures"] and found["at_work"] is None:
        sources = ", ".join(found["unfinished_erasures"])
        problems.append(f"an erasure of {sources} is not finished; `clientele erase` again does it")
    if most_hours is not None and (age is None or age > most_hours):
        told = "of unknown age" if age is None else f"{age:,.1f} hours old"
        problems.append(f"what is served is {told}, and may be {most_hours:g}")
    return problems


def _since(events: Sequence[Mapping[str, Any]], served: str | None) -> str | None:
    for event in reversed(events):
        kinds = (journal.PROMOTED, journal.ROLLED_BACK)
        if event["event"] in kinds and event.get("run") == served:
            return event.get("at")
    return None


def _hours_since(at: str | None) -> float | None:
    try:
        begun = datetime.strptime(at or "", "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return round((datetime.now(timezone.utc) - begun).total_seconds() / 3600, 2)
