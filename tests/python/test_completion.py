"""Completion through the shells' own machinery, and a command that is there at once."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from clientele.cli import main
from terminal import Terminal
from warehouse import ROOT

SLOW_TO_LOAD = ("duckdb", "numpy", "pandas", "rich", "jinja2", "altair")
STARTS = {
    "bash": (["--norc", "--noprofile", "-i"], 'eval "$(clientele completion bash)"'),
    "zsh": (
        ["-f", "-i"],
        'autoload -Uz compinit; compinit -u -D; eval "$(clientele completion zsh)"',
    ),
    "fish": (["--no-config", "-i"], "clientele completion fish | source"),
}  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("""
            create schema marts;
            create table marts.campaign_status (
                campaign_id varchar, campaign_name varchar, campaign_state varchar
            );
            insert into marts.campaign_status values
                ('winback', 'Win back: those, who left', 'running'),
                ('welcome', 'Welcome', 'running'),
                ('second_order', 'Second order', 'ended'),
                ('worn', 'Worn out', 'superseded');
            create table marts.new_customer_playbook (situation varchar, next_step varchar);
            insert into marts.new_customer_playbook values
                ('profitable_once', 'Give a reason'), ('no_forecast', 'Wait');
        """)
    return path


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The PATH with the `clientele` of this project first."""
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "clientele"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m clientele "$@"\n')
    program.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def complete(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """What click answers to a shell that asks for the last word of a line."""
    monkeypatch.setenv("CLIENTELE_WAREHOUSE", str(warehouse))

    def answer(line: str) -> list[str]:
        words = line.split(" ")
        environment = {
            "_CLIENTELE_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(words),
            "COMP_CWORD": str(len(words) - 1),
        }
        result = CliRunner(env=environment).invoke(main, prog_name="clientele")
        assert result.exit_code == 0
        assert result.stderr == ""
        return [entry.removeprefix("plain,") for entry in result.stdout.split()]

    return answer


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        ("clientele sh", ["show"]),
        ("clientele show ", ["segments", "lists", "new-customers", "quality"]),
        ("clientele show lists w", ["welcome", "winback"]),
        ("clientele show lists ", ["second_order", "welcome", "winback"]),
        ("clientele export --list wi", ["winback"]),
        ("clientele show new-customers p", ["profitable_once"]),
        ("clientele show quality --a", ["--all"]),
        ("clientele completion ", ["bash", "zsh", "fish"]),
        ("clientele show lists zzz", []),
    ],
)
def test_words_are_completed(
    complete: Callable[[str], list[str]], line: str, answers: list[str]
) -> None:
    assert complete(line) == answers


def test_the_warehouse_on_the_line_is_the_one_that_is_asked(
    complete: Callable[[str], list[str]], warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLIENTELE_WAREHOUSE")

    line = f"clientele show lists --warehouse {warehouse} we"
    assert complete(line) == ["welcome"]


@pytest.mark.parametrize("content", [None, "no database", ""])
def test_a_key_is_answered_with_nothing_where_the_warehouse_cannot_be_asked(
    complete: Callable[[str], list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: str | None,
) -> None:
    path = tmp_path / "shop.duckdb"
    if content:
        path.write_text(content)
    elif content == "":
        duckdb.connect(str(path)).close()
    monkeypatch.setenv("CLIENTELE_WAREHOUSE", str(path))

    assert complete("clientele show lists w") == []


def own_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.mark.parametrize("shell", STARTS)
def test_a_shell_completes_with_the_tabulator_key(
    shell: str, programs: str, warehouse: Path, tmp_path: Path
) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    options, start = STARTS[shell]
    terminal = Terminal(columns=120)
    environment = {
        "PATH": programs, "TERM": "xterm-256color", "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path),
        "CLIENTELE_WAREHOUSE": str(warehouse), "LANG": "C.UTF-8", "PS1": "$ ",
    }  # fmt: skip
    process = subprocess.Popen(
        [shell, *options], cwd=tmp_path, env=environment, start_new_session=True,
        preexec_fn=own_terminal,  # fish asks for one that is its own
        stdin=terminal.theirs, stdout=terminal.theirs, stderr=terminal.theirs,
    )  # fmt: skip
    try:
        # What is typed is shown, so the word that says "ready" is not typed as it is printed.
        terminal.type(f'{start}; printf "%s%s\\n" rea dy\r')
        assert "ready" in terminal.read_for(20, until="ready\r\n")
        terminal.type("clientele show lists winb\t")
        assert "winback" in terminal.read_for(20, until="winback").rpartition("ready")[2]
    finally:
        process.kill()
        process.wait()
        terminal.close()


def test_the_help_loads_nothing_that_is_slow() -> None:
    code = (
        "import sys; sys.argv = ['clientele', '--help']\n"
        "from clientele.cli import main\n"
        "try: main(prog_name='clientele')\n"
        f"except SystemExit: print([name for name in {SLOW_TO_LOAD} if name in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert output.splitlines()[-1] == "[]"


def commands(command: object = main, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    inner = getattr(command, "commands", {})
    return [
        path,
        *(found for name, each in inner.items() for found in commands(each, (*path, name))),
    ]


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_every_command_explains_itself_with_examples(path: tuple[str, ...]) -> None:
    result = CliRunner(env={"COLUMNS": "80"}).invoke(main, [*path, "--help"])

    assert result.exit_code == 0
    assert "Example" in result.output
    lines = result.output.splitlines()
    assert max(map(len, lines)) <= 80
    listed = lines[lines.index("Commands:") :] if "Commands:" in lines else []
    assert not any(line.endswith("...") for line in listed)  # a summary that was cut off
    assert any(" ".join(("clientele", *path)) in line for line in lines[1:])
