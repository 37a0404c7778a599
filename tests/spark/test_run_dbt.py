"""Several dbt commands in one process, on one session of Spark."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import run_dbt


@pytest.mark.parametrize(("fails_at", "code", "begun"), [(None, 0, 2), (1, 1, 2), (0, 1, 1)])
def test_commands_run_in_turn_until_one_fails(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fails_at: int | None,
    code: int,
    begun: int,
) -> None:
    asked: list[list[str]] = []

    def invoke(command: list[str]) -> SimpleNamespace:
        asked.append(command)
        is_built = len(asked) - 1 != fails_at
        return SimpleNamespace(success=is_built, exception=None if is_built else ValueError("why"))

    monkeypatch.setattr(run_dbt, "dbtRunner", lambda: SimpleNamespace(invoke=invoke))
    monkeypatch.setattr(
        run_dbt.sys, "argv", ["run_dbt.py", "build", "--vars", "a: 1", "--then", "build"]
    )
    assert run_dbt.main() == code
    assert asked == [["build", "--vars", "a: 1"], ["build"]][:begun]
    assert ("why" in capsys.readouterr().err) == (fails_at is not None)
