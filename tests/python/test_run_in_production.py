"""The page docs/run_in_production.md: what it tells to type exists, its script does as it says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from clientele.cli import main
from clientele.production import keys
from clientele.production.home import Home
from clientele.production.status import status
from pages import blocks
from ten_days import MARKS
from warehouse import ROOT

PAGE = ROOT / "docs" / "run_in_production.md"
TEXT = PAGE.read_text()
SCRIPT = next(block.text for block in blocks(TEXT) if block.path == "/srv/clientele/night")
FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
CALL = re.compile(r"(?:^|[ /])clientele ([a-z][a-z-]+(?:(?! (?:&&|\|\|) |  #|[;|>)]).)*)")
NIGHT_STEPS = ["load", "run", "export"]
OTHER_VARIABLES = {"CLIENTELE_HOME", "CLIENTELE_LANDING"}
# Ends with the codes of its step in their order, the last of them for ever.
STANDING_IN = """
import os, sys
with open(os.environ["CALLS"], "a+") as file:
    file.seek(0)
    before = sum(line.split()[1] == sys.argv[1] for line in file)
    file.write(" ".join([os.environ["CLIENTELE_HOME"], *sys.argv[1:]]) + "\\n")
codes = os.environ.get("CODES_" + sys.argv[1], "0").split()
sys.exit(int(codes[min(before, len(codes) - 1)]))
"""


def calls(text: str) -> Iterator[str]:
    """What follows `clientele` in blocks and between backticks, as a shell would read it."""
    fenced = [line for block in FENCED.findall(text) for line in block.splitlines()]
    for line in [*fenced, *INLINE.findall(FENCED.sub("", text))]:
        if not line.lstrip().startswith("#"):
            yield from (found.strip() for found in CALL.findall(line))


def problem(call: str) -> str | None:
    """Say what is wrong with a call of the command; None where nothing is."""
    name, *arguments = shlex.split(call)
    command = main.commands.get(name)
    if isinstance(command, click.Group) and arguments:
        name, *arguments = arguments
        command = command.commands.get(name)
    if command is None:
        return f"no command {name}"
    context = click.Context(command, info_name=name)
    try:
        values, others, _ = command.make_parser(context).parse_args(list(arguments))
        for parameter in command.params:
            given = values.get(parameter.name)
            if isinstance(parameter, click.Option) and isinstance(given, str):
                parameter.type_cast_value(context, given)
    except click.UsageError as error:
        return str(error)
    return f"left over: {others}" if others else None


CALLS = sorted(set(calls(TEXT)))
CALLS_OF_README = sorted(set(calls((ROOT / "README.md").read_text())))


@pytest.mark.parametrize("call", sorted({*CALLS, *CALLS_OF_README}))
def test_every_command_of_page_and_readme_exists_with_its_options(call: str) -> None:
    assert problem(call) is None


def test_the_page_names_the_commands_of_production() -> None:
    named = {call.split()[0] for call in CALLS}
    assert named >= {"load", "run", "status", "history", "rollback", "export", "erase", "sql"}
    assert "verify-erasure" in named
    assert "load DIR --source market --ingested-at 2026-06-24T03:00:00Z" in CALLS
    assert "status --max-age 26 --quiet" in CALLS


def test_what_does_not_exist_is_noticed() -> None:
    assert problem("publish --all") == "no command publish"
    assert problem("status --oldest 3") is not None
    assert problem("status --max-age soon") is not None
    assert problem("history one two") is not None


def test_options_in_the_running_text_belong_to_a_command() -> None:
    options = {
        name
        for command in main.commands.values()
        for parameter in command.params
        for name in parameter.opts
    }
    alone = {text.split()[0] for text in INLINE.findall(FENCED.sub("", TEXT)) if text[:2] == "--"}
    assert alone
    assert alone <= options


def test_vars_of_the_page_exist() -> None:
    declared = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]
    given = re.findall(r"--vars '(\{.*?\})'", TEXT)
    named = {name for text in given for name in yaml.safe_load(text)}
    named |= set(re.findall(r"`(gate_[a-z0-9_]+)`", TEXT))
    assert named <= set(declared)
    assert "`gate_*`" not in TEXT or any(name.startswith("gate_") for name in declared)


def test_environment_variables_of_the_page_are_read_somewhere() -> None:
    named = set(re.findall(r"CLIENTELE_[A-Z_]+", TEXT))
    read = {
        str(parameter.envvar)
        for command in main.commands.values()
        for parameter in command.params
        if parameter.envvar
    }
    read |= {keys.key_variable(purpose) for purpose in keys.PURPOSES}
    read |= set(re.findall(r"CLIENTELE_[A-Z_]+", (ROOT / "profiles.yml").read_text()))
    assert named >= OTHER_VARIABLES
    assert named <= read


def test_fields_of_the_status_are_those_that_the_page_names(tmp_path: Path) -> None:
    section = TEXT.partition("## Monitoring")[2].partition("\n## ")[0]
    told = set(re.findall(r"`([a-z_]+)`", section))
    assert told >= {"problems", "as_of", "loads_waiting"}
    assert told <= set(status(Home(tmp_path), None))


def test_files_and_targets_of_the_page_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (PAGE.parent / target).exists(), target
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`", TEXT)) <= targets
    assert all(TEXT.count(mark) == 1 for mark in MARKS)


@pytest.fixture
def night(tmp_path: Path):
    """The page's script in a folder of its own, with a `clientele` that ends as it is told."""
    script = tmp_path / "night"
    script.write_text(SCRIPT.replace("/srv/", f"{tmp_path}/"))
    program = tmp_path / "clientele" / ".venv" / "bin" / "clientele"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!{sys.executable} -S\n{STANDING_IN}")
    program.chmod(0o755)

    def run(**codes: str) -> tuple[int, str, list[str]]:
        called = tmp_path / "calls"
        called.write_text("")
        environment = {f"CODES_{name}": value for name, value in codes.items()}
        environment |= {"CALLS": str(called), "PAUSE": "0", "PATH": os.environ["PATH"]}
        done = subprocess.run(
            ["sh", str(script), "/incoming/today"], env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=60,
        )  # fmt: skip
        lines = called.read_text().replace(str(tmp_path), "/srv").splitlines()
        assert all(line.startswith("/srv/production ") for line in lines)
        return done.returncode, done.stdout, [line.split()[1] for line in lines]

    return run


def test_a_good_night_says_nothing(night) -> None:
    assert night() == (0, "", NIGHT_STEPS)


@pytest.mark.parametrize("step", NIGHT_STEPS)
@pytest.mark.parametrize("code", ["65", "1", "2"])
def test_a_step_that_fails_ends_the_night_with_its_code(night, step: str, code: str) -> None:
    ended, said, called = night(**{step: code})
    assert ended == int(code)
    assert said == f"clientele {step} ended with exit code {code}\n"
    assert called == NIGHT_STEPS[: NIGHT_STEPS.index(step) + 1]


def test_who_is_busy_is_waited_for(night) -> None:
    assert night(load="75 75 0") == (0, "", ["load", "load", "load", "run", "export"])
    ended, said, called = night(load="75")
    assert (ended, called) == (75, ["load"] * 6)
    assert "exit code 75" in said
