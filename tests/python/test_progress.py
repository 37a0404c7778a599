"""Progress is for people at a terminal, and for nobody else."""

from __future__ import annotations

import re
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner

from clientele import cli
from clientele.commands import leaving, pages
from clientele.progress import SILENT, Steps, steps
from terminal import run_on_terminal
from warehouse import ROOT

# Two steps, the second of 4,000 rows; long enough for a bar to appear.
WORK = """
import sys, time
import clientele.progress as progress
progress.DELAY_SECONDS = 0.05
with progress.steps("Counting", quiet="quiet" in sys.argv) as watch:
    watch.step("first")
    watch.expect(2)
    time.sleep(0.3)
    watch.echo("first is done")
    watch.step("second")
    watch.within(1_000, 4_000)
    time.sleep(0.3)
    if "print" in sys.argv:
        print("from elsewhere")
    if "fail" in sys.argv:
        raise SystemExit("it failed")
print("all is done")
"""
SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"


def work(*words: str, **options: object) -> tuple[int, str, str]:
    return run_on_terminal([sys.executable, "-c", WORK, *words], ROOT, **options)


def test_a_terminal_shows_the_step_how_many_and_how_long() -> None:
    code, screen, _ = work()

    assert code == 0
    assert "Counting" in screen
    assert "1 of 2" in screen
    assert "second, 1,000 of 4,000 rows" in screen
    assert re.search(r"0:00:0\d", screen)
    assert "first is done\r\n" in screen
    # The bar is gone in the end, and the cursor is back.
    assert screen.rindex(SHOW_CURSOR) > screen.rindex(HIDE_CURSOR)
    assert screen.rstrip().endswith("all is done")
    assert "Counting" not in screen[screen.rindex("all is done") :]


def test_the_terminal_is_left_in_order_when_the_work_fails() -> None:
    code, screen, _ = work("fail")

    assert code == 1
    assert screen.rindex(SHOW_CURSOR) > screen.rindex(HIDE_CURSOR)
    assert screen.rstrip().endswith("it failed")


def test_what_is_piped_is_the_output_alone_while_the_bar_is_on_the_terminal() -> None:
    _, screen, piped = work("print", pipes="stdout")

    assert piped == "first is done\nfrom elsewhere\nall is done\n"
    assert "Counting" in screen
    assert "first is done" not in screen


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (("quiet",), {}),
        ((), {"environment": {"TERM": "dumb"}}),
        ((), {"pipes": "stderr"}),
    ],
    ids=["quiet", "dumb terminal", "no terminal"],
)
def test_no_bar_where_nobody_looks(words: tuple[str, ...], options: dict[str, object]) -> None:
    code, screen, piped = work(*words, **options)

    assert code == 0
    assert "\x1b" not in screen
    assert screen == "first is done\r\nall is done\r\n"
    assert piped == ""


def test_what_is_done_at_once_shows_no_bar() -> None:
    quick = "from clientele.progress import steps\nwith steps('Quick', 1) as s: s.step('one')"
    _, screen, _ = run_on_terminal([sys.executable, "-c", quick], ROOT)

    assert screen == ""


def test_without_a_terminal_steps_are_silent_and_cost_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    begin = time.perf_counter()
    with steps("Many", 100_000) as watch:
        for number in range(100_000):
            watch.step(str(number))
            watch.within(1, 2)

    assert watch is SILENT
    assert time.perf_counter() - begin < 2
    assert capsys.readouterr().err == ""


@pytest.fixture(scope="module")
def no_delay(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command with a bar that does not wait."""
    code = (
        "import clientele.progress; clientele.progress.DELAY_SECONDS = 0;"
        "from clientele.cli import main; main(prog_name='clientele')"
    )
    return [sys.executable, "-c", code]


def test_simulate_tells_its_tables_and_rows(no_delay: list[str], tmp_path: Path) -> None:
    command = [*no_delay, "simulate", str(tmp_path), "--customers", "300"]
    code, screen, piped = run_on_terminal(
        command, ROOT, columns=100, pipes="stdout", environment={"PYTHONUNBUFFERED": "1"}
    )

    assert code == 0
    assert "Simulating" in screen
    assert " of 8" in screen
    tables = [line.split()[0] for line in piped.splitlines()]
    assert tables[:4] == ["market_order", "promo_detail", "product_detail", "app_open"]
    assert "\x1b" not in piped

    code, screen, piped = run_on_terminal(
        [*command, "--overwrite", "--quiet"], ROOT, pipes="stdout"
    )
    assert (code, screen, piped) == (0, "", "")


@pytest.mark.parametrize(
    ("command", "is_quiet"),
    [
        (("export",), False),
        (("export", "--json"), True),
        (("export", "--quiet"), True),
        (("model-card",), False),
        (("model-card", "--quiet"), True),
    ],
)
def test_json_and_quiet_want_no_bar(
    command: tuple[str, ...], is_quiet: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []

    def watched(*_: object, quiet: bool) -> AbstractContextManager[Steps]:
        asked.append(quiet)
        return nullcontext(SILENT)

    for commands in (leaving, pages):
        monkeypatch.setattr(commands, "steps", watched)
    CliRunner().invoke(cli.main, [*command, "--warehouse", str(tmp_path / "missing.duckdb")])

    assert asked == [is_quiet]
