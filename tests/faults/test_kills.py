"""kill -9 at any moment: readers notice nothing, one rerun heals, and nothing is left lying."""

from __future__ import annotations

import random
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from commands import Reader, command, contents, killed, left_behind, names
from delivery import write_delivery
from seen import IS_WHOLE, check
from shops import Shop, make_shop
from test_export import write_warehouse
from warehouse import ROOT

SEED = 20260630
SHORT_ROUNDS = {"load": 3, "run": 2, "export": 2, "erase": 1}
MOMENTS = 8  # of the whole form, beside one round a step


class Scenario(ABC):
    """A command and the state that it begins with, of which every round gets a copy."""

    name: str
    project = ROOT

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def make(self, folder: Path) -> None:
        """Make the state before the command."""

    @abstractmethod
    def arguments(self, folder: Path) -> list[str]:
        """Return the arguments of the command on a copy of that state."""

    @abstractmethod
    def watched(self, folder: Path) -> Mapping[str, Path]:
        """Return what readers poll meanwhile."""

    @abstractmethod
    def state(self, folder: Path) -> object:
        """Return what must be the same after an undisturbed command and after a healed one."""

    def variables(self, folder: Path) -> dict[str, str]:
        """Return variables of the environment."""
        return {}

    def project_of(self, folder: Path) -> Path:
        """Return the folder that the command runs in."""
        return ROOT

    def require(self, folder: Path) -> None:  # noqa: B027 (most have nothing more to ask)
        """Require more of a healed state."""


class Load(Scenario):
    name = "load"

    def make(self, folder: Path) -> None:
        folder.mkdir()
        write_delivery(folder / "first", customers=15, seed=1)
        write_delivery(folder / "second", customers=40, seed=2)
        first = self._arguments(folder, "first", "2026-04-01T06:00:00Z")
        assert command(first).exit_code == 0

    def _arguments(self, folder: Path, delivery: str, arrived: str) -> list[str]:
        return [
            "load", str(folder / delivery), "--source", "market",
            "--landing", str(folder / "landing"), "--home", str(folder / "production"),
            "--ingested-at", arrived,
        ]  # fmt: skip

    def arguments(self, folder: Path) -> list[str]:
        return self._arguments(folder, "second", "2026-04-02T06:00:00Z")

    def watched(self, folder: Path) -> Mapping[str, Path]:
        return {"landing": folder / "landing" / "market"}

    def state(self, folder: Path) -> object:
        return contents(folder / "landing")


class Run(Scenario):
    name = "run"

    def make(self, folder: Path) -> None:
        shop = make_shop(folder)
        ended = shop.command("run")
        assert ended.exit_code == 0, ended.err
        shop.land(3)

    def arguments(self, folder: Path) -> list[str]:
        return Shop(folder).arguments("run")

    def project_of(self, folder: Path) -> Path:
        return Shop(folder).project

    def watched(self, folder: Path) -> Mapping[str, Path]:
        return {"served": Shop(folder).home.served}

    def state(self, folder: Path) -> object:
        shop = Shop(folder)
        return shop.served_orders(), shop.events()[-1], names(shop.home.root)

    def require(self, folder: Path) -> None:
        shop = Shop(folder)
        # A run that was killed before the swap is none; one after it is served, then kept.
        assert shop.kept_builds() == shop.events().count("promoted")
        assert len(list(shop.home.versions.iterdir())) == shop.events().count("promoted")


class Export(Scenario):
    name = "export"

    def make(self, folder: Path) -> None:
        folder.mkdir()
        write_warehouse(folder / "before.duckdb")
        write_warehouse(folder / "shop.duckdb", "update marts.campaign_lists set offer = 'other'")
        before = ["export", "--warehouse", str(folder / "before.duckdb")]
        assert command([*before, "--root", str(folder / "exports")]).exit_code == 0

    def arguments(self, folder: Path) -> list[str]:
        return [
            "export", "--warehouse", str(folder / "shop.duckdb"),
            "--root", str(folder / "exports"),
        ]  # fmt: skip

    def watched(self, folder: Path) -> Mapping[str, Path]:
        return {"exports": folder / "exports"}

    def state(self, folder: Path) -> object:
        return contents(folder / "exports")


class Erase(Scenario):
    name = "erase"

    def make(self, folder: Path) -> None:
        shop = make_shop(folder)
        for day in (2, 3):
            shop.land(day)
            ended = shop.command("run")
            assert ended.exit_code == 0, ended.err

    def arguments(self, folder: Path) -> list[str]:
        return Shop(folder).arguments("erase", "client-7", "--source", "shop")

    def project_of(self, folder: Path) -> Path:
        return Shop(folder).project

    def watched(self, folder: Path) -> Mapping[str, Path]:
        return {"erasing": Shop(folder).home.served}

    def state(self, folder: Path) -> object:
        shop = Shop(folder)
        erased = {name for name in names(shop.home.root) if not name.startswith("erasures/")}
        return shop.served_orders(), erased, names(shop.landing)

    def require(self, folder: Path) -> None:
        shop = Shop(folder)
        looked = shop.command("verify-erasure", "client-7", "--source", "shop")
        assert looked.exit_code == 0, looked.out + looked.err
        control = shop.command("verify-erasure", "client-8", "--source", "shop")
        assert control.exit_code == 1, control.out + control.err


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    process = Reader()
    yield process
    process.close()


@pytest.mark.parametrize("kind", [Load, Run, Export, Erase], ids=lambda kind: kind.name)
def test_a_killed_command(
    kind: type[Scenario], reader: Reader, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp(f"killed-{kind.name}")
    scenario = kind(folder)
    template, notes = folder / "template", folder / "steps"
    scenario.make(template)
    undisturbed = Path(shutil.copytree(template, folder / "undisturbed", symlinks=True))
    with reader.watching(scenario.watched(undisturbed)):
        ended = killed(
            scenario.arguments(undisturbed), scenario.project_of(undisturbed), notes,
            **scenario.variables(undisturbed),
        )  # fmt: skip
    assert ended.exit_code == 0, ended.err
    scenario.require(undisturbed)
    expected = scenario.state(undisturbed)
    steps = notes.read_text().splitlines()
    assert steps, "the command announces no step"
    failures = []
    for number, (place, step, seconds) in enumerate(rounds(kind.name, steps, ended.seconds)):
        copy = Path(shutil.copytree(template, folder / f"round-{number}", symlinks=True))
        before = scenario.state(copy) if kind is Run else None
        try:
            with check(f"kill -9 of {kind.name}", place, "one rerun heals") as seen:
                project = scenario.project_of(copy)
                with reader.watching(scenario.watched(copy)):
                    stopped = killed(
                        scenario.arguments(copy), project, notes, step=step, seconds=seconds,
                        **scenario.variables(copy),
                    )  # fmt: skip
                    assert not left_behind(copy), left_behind(copy)
                    again = command(scenario.arguments(copy), project, **scenario.variables(copy))
                assert stopped.exit_code == (-9 if step else stopped.exit_code)
                assert stopped.exit_code in (0, -9), stopped.err
                assert again.exit_code == 0, again.err
                found = scenario.state(copy)
                assert found == expected, difference(found, expected)
                assert found != before
                scenario.require(copy)
                seen.say(f"healed{'' if stopped.exit_code else '; it was done before the kill'}")
        except AssertionError as error:
            failures.append(f"{place}: {error}")
        shutil.rmtree(copy)
    with check(f"kill -9 of {kind.name}", "readers meanwhile", "0 torn reads, 0 errors") as seen:
        seen.say(
            f"{reader.polls} polls, {len(reader.torn)} torn reads, {len(reader.errors)} errors"
        )
        told, torn, errors = reader.polls, reader.torn, reader.errors
        reader.polls, reader.torn, reader.errors = 0, [], []
        assert told, "nothing was polled"
        assert not torn
        assert not errors
    assert not failures, "\n".join(failures)


def rounds(name: str, steps: list[str], seconds: float) -> list[tuple[str, int, float | None]]:
    """Return where a command is killed: at each step and at moments spread over its length.

    Each is what it is called, the number of the step or 0, and the seconds or None. The short form
    draws some of them.
    """
    draw = random.Random(f"{SEED} {name}")
    at_steps = [(f"at the step `{step}`", number, None) for number, step in enumerate(steps, 1)]
    moments = [
        (f"after {share:.0%} of its time", 0, share * seconds)
        for share in ((part + draw.random()) / MOMENTS for part in range(MOMENTS))
    ]
    if IS_WHOLE:
        return at_steps + moments
    count = SHORT_ROUNDS[name]
    drawn = draw.sample(at_steps, count - count // 2) + draw.sample(moments, count // 2)
    return drawn


def difference(found: object, expected: object) -> str:
    """Say in what two states differ."""
    if isinstance(found, dict) and isinstance(expected, dict):
        return f"{set(found.items()) ^ set(expected.items())}"
    if isinstance(found, tuple) and isinstance(expected, tuple):
        return "; ".join(difference(*pair) for pair in zip(found, expected, strict=True))
    if isinstance(found, set) and isinstance(expected, set):
        return f"{sorted(found ^ expected)}"
    return "" if found == expected else f"{found} is not {expected}"
