"""Tables of benchmarks/README.md from the result files; the plots are made by plots.py."""

from __future__ import annotations

import json
import statistics
import textwrap
from itertools import pairwise
from pathlib import Path

import plots
from cases import CASES

HERE = Path(__file__).resolve().parent
README, PUBLISHED = HERE / "README.md", HERE / "results" / "full.json"
BEGIN, END = "<!-- results: written by benchmarks/run.py -->", "<!-- end of results -->"
TOLD_MODELS = 12
FEWEST_ROUNDS = 3  # whose medians are told without a warning
# What the issue of scale asks for: label, case, measure, against, bound, whether it is a least.
GOALS = (
    ("single view of the current date, CPU against the floor", "sql_now", "cpu", "floor", 4, False),
    ("single view with its history, CPU against the floor", "sql", "cpu", "floor", 4, False),
    ("whole build with every fit, CPU against the floor", "first", "cpu", "floor", 8, False),
    ("pandas, CPU against SQL", "pandas", "cpu", "sql_now", 6, True),
    ("pandas, memory against SQL", "pandas", "peak", "sql_now", 5, True),
    ("polars, CPU against SQL", "polars", "cpu", "sql_now", 1, True),
    ("one day added, CPU against all rows anew", "increment", "cpu", "refresh", 0.2, False),
)


def medians(size: dict) -> dict[str, dict[str, float]]:
    """Return the medians of each case of a size: cpu and wall in seconds, peak in MB."""
    runs: dict[str, list[dict]] = {}
    for run in size["runs"]:
        runs.setdefault(run["case"], []).append(run)
    return {
        case: {
            measure: statistics.median(run[measure] for run in runs[case])
            for measure in ("cpu", "wall", "peak")
        }
        for case in CASES
        if case in runs
    }


def tell(path: Path) -> Path:
    """Write the tables and plots of a result, and return the page that they stand in.

    That of all sizes is told in the README, any other on a page beside it.
    """
    if not path.exists():
        raise SystemExit(f"{path} is not there: `make benchmark` makes results")
    result = json.loads(path.read_text())
    is_published = path.resolve() == PUBLISHED
    folder = path.parent if is_published else path.with_suffix("")
    page = README if is_published else path.with_suffix(".md")
    near = folder.resolve().relative_to(page.resolve().parent).as_posix()
    parts = [
        about(result, path.name, path.resolve().relative_to(page.resolve().parent).as_posix()),
        *tables(result), goals(result), slowest(result), pictures(near),
    ]  # fmt: skip
    told = "\n\n".join(part for part in parts if part)
    before, after = "# A benchmark\n\n", "\n"
    if is_published:
        before, rest = page.read_text().split(BEGIN)
        before, after = f"{before}{BEGIN}\n", f"\n{END}{rest.split(END)[1]}"
    folder.mkdir(parents=True, exist_ok=True)
    plots.draw([(size["customers"], medians(size)) for size in result["sizes"]], folder)
    page.write_text(f"{before}{told}{after}")
    return page


def about(result: dict, name: str, place: str) -> str:
    """Return where and how was measured; name, place: of the result, as its page links to it."""
    machine, versions, settings = result["machine"], result["versions"], result["settings"]
    rounds = {size["customers"]: rounds_of(size) for size in result["sizes"]}
    told = ", ".join(f"{count} of {customers:,} customers" for customers, count in rounds.items())
    parts = [
        f"Measured on {result['date']} at commit `{result['commit']}` ([{name}]({place})): "
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']:g} GB, "
        f"{machine['system']}, load {machine['load_before']:g} before; "
        + ", ".join(f"{package} {version}" for package, version in versions.items())
        + f". DuckDB within {settings['memory_limit']}, with a checkpoint every "
        f"{settings['checkpoint_threshold']} of its write-ahead log; dbt with "
        f"{settings['threads']} {'thread' if settings['threads'] == 1 else 'threads'}. "
        f"Medians of alternating rounds: {told}."
    ]
    if min(rounds.values()) < FEWEST_ROUNDS:
        parts.append(
            f"**Of fewer than {FEWEST_ROUNDS} rounds it is not known how much the figures vary.**"
        )
    if result["note"]:
        parts.append(f"**{result['note']}**")
    compared = [
        f"{size['customers']:,} customers: "
        + ", ".join(
            f"{case} ({found['columns']} columns of {found['customers']:,} rows)"
            for case, found in size["comparisons"].items()
        )
        for size in result["sizes"]
        if size["comparisons"]
    ]
    if compared:
        parts.append("Equal to `sql` in every value, " + "; ".join(compared) + ".")
    return wrapped(" ".join(parts))


def rounds_of(size: dict) -> int:
    """Return how many rounds every measured case of a size has at least."""
    cases = [run["case"] for run in size["runs"]]
    return min(cases.count(case) for case in cases)


def tables(result: dict) -> list[str]:
    """Return a table a size."""
    told = []
    for size in result["sizes"]:
        found, rows = medians(size), size["landing"]
        lines = [
            f"### {size['customers']:,} customers",
            wrapped(
                f"{rows['market_order']:,} baskets, {rows['product_detail']:,} lines, "
                f"{rows['app_open']:,} app opens, {rows['bytes'] / 1e6:,.0f} MB of Parquet."
            ),
            "| what | CPU s | wall s | peak MB | CPU / floor | CPU / sql_now | memory / sql_now |\n"
            "|---|---:|---:|---:|---:|---:|---:|\n"
            + "\n".join(row(case, figures, found) for case, figures in found.items()),
        ]
        lines += [f"Not measured: `{case}`, {why}." for case, why in size["skipped"].items()]
        told.append("\n\n".join(lines))
    return told


def row(case: str, figures: dict[str, float], found: dict[str, dict[str, float]]) -> str:
    """Return a row of a table."""
    ratios = [
        ratio(figures[measure], found.get(against, {}).get(measure))
        for measure, against in (("cpu", "floor"), ("cpu", "sql_now"), ("peak", "sql_now"))
    ]
    cells = [f"{figures['cpu']:,.1f}", f"{figures['wall']:,.1f}", f"{figures['peak']:,.0f}"]
    return f"| `{case}` {CASES[case]} | {' | '.join(cells + ratios)} |"


def ratio(value: float, against: float | None) -> str:
    """Return how many times one is the other, as text."""
    return f"{value / against:.2f}" if against else ""


def goals(result: dict) -> str:
    """Return each goal at each size, and what comes of ten times the customers."""
    sizes = [(size["customers"], medians(size)) for size in result["sizes"]]
    head = "| goal | asked for | " + " | ".join(f"{customers:,}" for customers, _ in sizes) + " |"
    lines = [head, "|---|---:|" + "---:|" * len(sizes)]
    for label, case, measure, against, bound, is_least in GOALS:
        cells = [
            judged(found[case][measure] / found[against][measure], bound, is_least)
            + without_start(found, case, measure, against, bound, is_least)
            if case in found and against in found
            else ""
            for _, found in sizes
        ]
        asked = f"at {'least' if is_least else 'most'} {bound:g}"
        lines.append(f"| {label} | {asked} | {' | '.join(cells)} |")
    for case in ("sql", "first", "refresh"):
        cells = [""] + [
            judged(found[case]["cpu"] / less[case]["cpu"] / (customers / fewer) * 10, 11, False)
            if case in found and case in less
            else ""
            for (fewer, less), (customers, found) in pairwise(sizes)
        ]
        lines.append(
            f"| `{case}`: CPU of ten times the customers | at most 11 | {' | '.join(cells)} |"
        )
    peaks = [
        judged(max(f["peak"] for c, f in found.items() if c in OURS) / 1000, 2, False)
        if set(found) & OURS
        else ""
        for _, found in sizes
    ]
    lines.append(f"| greatest peak of our cases, GB | at most 2 | {' | '.join(peaks)} |")
    told = "Bold is missed. In brackets the same without a start of dbt, which each of ours holds."
    return "\n\n".join(["### Goals", told, "\n".join(lines)])


def without_start(
    found: dict[str, dict[str, float]],
    case: str,
    measure: str,
    against: str,
    bound: float,
    is_least: bool,
) -> str:
    """Return a ratio of CPU without dbt's start in brackets, where the start was measured."""
    if measure != "cpu" or "start" not in found:
        return ""
    values = [
        found[name]["cpu"] - (found["start"]["cpu"] if name in OURS else 0)
        for name in (case, against)
    ]
    return f" ({judged(values[0] / values[1], bound, is_least)})" if min(values) > 0 else ""


def slowest(result: dict) -> str:
    """Return the slowest models of each build, at the largest size that it was measured at."""
    told = ["### Where the time goes"]
    for case in ("first", "refresh", "increment"):
        sizes = [size for size in result["sizes"] if size["models"].get(case)]
        if sizes:
            models = list(sizes[-1]["models"][case].items())[:TOLD_MODELS]
            told.append(
                wrapped(
                    f"Seconds of wall time, `{case}` of {sizes[-1]['customers']:,} customers: "
                    + ", ".join(f"`{name}` {seconds:,.1f}" for name, seconds in models)
                    + "."
                )
            )
    return "\n\n".join(told) if len(told) > 1 else ""


OURS = {"sql", "sql_now", "first", "refresh", "increment"}


def judged(value: float, bound: float, is_least: bool) -> str:
    """Return a number, bold where it misses its bound."""
    is_met = value >= bound if is_least else value <= bound
    return f"{value:.2f}" if is_met else f"**{value:.2f}**"


def pictures(folder: str) -> str:
    """Return the pictures as Markdown; folder: where they lie, seen from the page."""
    return "### Pictures\n\n" + "\n\n".join(
        f"![{alternative}]({folder}/{name}.svg)" for name, alternative in plots.PICTURES.items()
    )


def wrapped(text: str) -> str:
    """Return text in lines of a hundred."""
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)
