"""Bad luck around a command: one line says what to do, and what is served stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from bad_luck import BAD_LUCK, Misfortune
from seen import IS_WHOLE, check
from shops import Shop, make_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop that has served two versions, and a day that landed after them."""
    shop = make_shop(tmp_path_factory.mktemp("bad-luck") / "shop")
    for next_day in (3, 4):
        ended = shop.command("run")
        assert ended.exit_code == 0, ended.err
        shop.land(next_day)
    return shop


@pytest.mark.parametrize("misfortune", BAD_LUCK, ids=lambda misfortune: misfortune.name)
def test_bad_luck(misfortune: Misfortune, shop: Shop, tmp_path: Path) -> None:
    if not (misfortune.is_quick or IS_WHOLE):
        pytest.skip("part of `make faults`: it builds")
    copy = shop.copy(tmp_path / "shop")
    with check("bad luck", misfortune.name, misfortune.expected) as seen:
        seen.say(misfortune.happens(copy))
