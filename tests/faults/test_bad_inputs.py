"""Bad files and bad values: what the load says of them, and what the warehouse does."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from bad_inputs import BAD_FILES, BAD_VALUES, DUPLICATE, BadFile, BadValue, Landed, Refused
from clientele.cli import main
from delivery import FILES, LINES, OPENS, records, table_of, write_delivery
from seen import Seen, check
from warehouse import MARKET_COLUMNS, ROOT, Builder

ARRIVED = "2026-04-01T06:00:00Z"


def tree(folder: Path) -> dict[str, str]:
    """Hash all that lies in a folder; what a lock's file says is nobody's data."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


def load(delivery: Path, landing: Path, home: Path) -> Result:
    return CliRunner().invoke(
        main,
        [
            "load", str(delivery), "--source", "market", "--landing", str(landing),
            "--home", str(home), "--ingested-at", ARRIVED,
        ],
    )  # fmt: skip


@pytest.fixture(scope="module")
def correct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_delivery(tmp_path_factory.mktemp("faults") / "delivery")


@pytest.fixture
def sent(correct: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the correct delivery, and a landing zone where another source has landed."""
    monkeypatch.chdir(ROOT)
    other = tmp_path / "landing" / "other" / "table"
    other.mkdir(parents=True)
    (other / "1.parquet").write_bytes(b"of somebody else")
    return Path(shutil.copytree(correct, tmp_path / "delivery"))


def texts(path: Path, table: str) -> Counter[tuple[str | None, ...]]:
    """Count the accepted rows of a table in a load, or of a file of the delivery."""
    listed = ", ".join(f'"{column}"' for column in MARKET_COLUMNS[table])
    if path.is_dir():
        return Counter(
            duckdb.sql(
                f"select {listed} from read_parquet('{path}/{table}/*.parquet') "
                "where _reject_reasons is null"
            ).fetchall()
        )
    reader = {
        ".csv": f"read_csv('{path}', all_varchar = true, header = true)",
        ".jsonl": f"read_json('{path}', format = 'newline_delimited', columns = "
        "{client_id: varchar, appopendate: varchar})",
        ".parquet": f"read_parquet('{path}')",
    }[path.suffix]
    return Counter(duckdb.sql(f"select {listed} from {reader}").fetchall())


@pytest.mark.parametrize("fault", BAD_FILES, ids=lambda fault: fault.name)
def test_a_bad_file(
    fault: BadFile, sent: Path, correct: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault.damage(sent)
    landing = tmp_path / "landing"
    before = tree(landing)
    if fault.formats:
        monkeypatch.chdir(stricter_project(tmp_path / "project", fault.formats))
    with check("bad files", fault.name, str(fault.outcome)) as seen:
        result = load(sent, landing, tmp_path / "home")

        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert "Traceback" not in result.output
        if isinstance(fault.outcome, Refused):
            is_refused(fault.outcome, result, seen)
            assert tree(landing) == before
        else:
            assert result.exit_code == 0, result.output
            has_landed(fault, fault.outcome, landing, correct, seen)


def stricter_project(folder: Path, formats: Mapping[str, str]) -> Path:
    """Make a project whose contract of orders says what values look like."""
    name = Path("models/staging/market/_market__sources.yml")
    contract = (ROOT / name).read_text()
    for column, pattern in formats.items():
        plain = re.search(rf"(- {{name: {column}, description: [^\n]*)}}\n", contract)
        assert plain, f"{column} of orders is declared in another way"
        strict = f"{plain[1]},\n             config: {{meta: {{format: '{pattern}'}}}}}}\n"
        contract = contract.replace(plain[0], strict, 1)
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text(contract)
    return folder


def is_refused(outcome: Refused, result: Result, seen: Seen) -> None:
    assert result.exit_code == 65, result.output
    missing = [word for word in outcome.words if word not in result.stderr]
    assert not missing, result.stderr
    assert len(result.stderr.splitlines()) <= 40
    seen.say("refused, the landing zone as it was")


def has_landed(fault: BadFile, outcome: Landed, landing: Path, correct: Path, seen: Seen) -> None:
    [folder] = (landing / "market").glob("load=*")
    told = json.loads((folder / "load.json").read_text())["files"]
    expected = records(correct)
    expected[fault.file] = expected.get(fault.file, 0) + outcome.more
    for file in FILES:
        table = table_of(file)
        found = dict(
            duckdb.sql(
                "select _reject_reasons, count(*) from read_parquet("
                f"'{folder}/{table}/*.parquet') group by 1"
            ).fetchall()
        )
        accepted = found.pop(None, 0)
        assert found == (outcome.rejected if file == fault.file else {}), table
        assert accepted + sum(found.values()) == expected[file], table
        of_table = [entry for entry in told if entry["table"] == table]
        assert sum(entry["records"] for entry in of_table) == expected[file]
        assert sum(entry["accepted"] for entry in of_table) == accepted
        assert sum(entry["rejected"] for entry in of_table) == sum(found.values())
        numbers = duckdb.sql(
            f"select _file, _record from read_parquet('{folder}/{table}/*.parquet')"
        ).fetchall()
        assert len(set(numbers)) == len(numbers)
        # What was not damaged is there, text by text.
        lost = texts(correct / file, table) - texts(folder, table)
        most = (sum(found.values()) + len(outcome.texts)) if file == fault.file else 0
        assert sum(lost.values()) <= most, lost
    for column, text in outcome.texts.items():
        [(landed_text,)] = duckdb.sql(
            f"select {column} from read_parquet('{folder}/{table_of(fault.file)}/*.parquet') "
            "where _record = 5"
        ).fetchall()
        assert landed_text == text
    seen.say(str(outcome))


@pytest.mark.parametrize(
    ("name", "source", "landing", "exit_code"),
    [
        ("`../` as the name of a source", "../../etc", "landing", (1, 2, 65)),
        ("SQL as the name of a source", "market'; drop table x; --", "landing", (1, 2, 65)),
        ("landing zone that could end its statement", "market", "lan'ding;--", (0, 1, 2, 65)),
    ],
)
def test_names_from_outside(
    name: str, source: str, landing: str, exit_code: tuple[int, ...], sent: Path, tmp_path: Path
) -> None:
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    with check("names from outside", name, "one line, nothing outside is written") as seen:
        result = CliRunner().invoke(
            main,
            ["load", str(sent), "--source", source, "--landing", str(tmp_path / landing)],
        )
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code in exit_code, result.output
        after = {path for path in tmp_path.rglob("*") if path.is_file()} - before
        assert all(tmp_path / landing in path.parents for path in after)
        seen.say(f"exit {result.exit_code}")


# The warehouse, with all bad values in one delivery.


@pytest.fixture(scope="module")
def spoilt(
    correct: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[BadValue, tuple[str, int]]]:
    """A landing zone with every bad value, and where each of them lies: table and record."""
    folder = tmp_path_factory.mktemp("spoilt")
    delivery = Path(shutil.copytree(correct, folder / "delivery"))
    numbers = records(delivery)
    places = {}
    for file in FILES:
        values = [value for value in BAD_VALUES if value.file == file]
        pattern = _first(delivery / file)
        rows = []
        for value in values:
            row = dict(pattern)
            if file == LINES:
                row["_pos"] = str(900 + len(rows))
            elif "order_id" in row and "order_id" not in value.cells:
                row["order_id"] = f"bad-{len(rows)}"
            rows.append({**row, **value.cells})
            places[value] = (table_of(file), numbers[file] + len(rows))
        _append(delivery / file, rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        result = load(delivery, folder / "landing", folder / "home")
    assert result.exit_code == 0, result.output
    return folder / "landing", places


def _first(path: Path) -> dict[str, str | None]:
    """Return the first row of a file of the delivery; of promotions, one that is not there yet."""
    table = table_of(path.name)
    if path.suffix == ".parquet":
        [row] = duckdb.sql(f"from read_parquet('{path}') order by all limit 1").fetchall()
    else:
        row = sorted(texts(path, table), key=str)[0]
    return dict(zip(MARKET_COLUMNS[table], row, strict=True))


def _append(path: Path, rows: list[dict[str, str | None]]) -> None:
    """Put rows at the end of a file of the delivery, as a sender would write them."""
    if path.name == OPENS:
        with path.open("a") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    elif path.name == LINES:
        table = table_of(path.name)
        with duckdb.connect() as connection:
            connection.execute(f"create table {table} as from read_parquet('{path}')")
            marks = ", ".join("?" * len(MARKET_COLUMNS[table]))
            for row in rows:
                connection.execute(f"insert into {table} values ({marks})", list(row.values()))
            connection.execute(f"copy (select * from {table}) to '{path}' (format parquet)")
    else:
        with path.open("a", encoding="utf-8", newline="") as file:
            for row in rows:
                cells = ("" if cell is None else cell.replace('"', '""') for cell in row.values())
                file.write(",".join(f'"{cell}"' if cell else "" for cell in cells) + "\n")


def test_bad_values_in_the_warehouse(
    spoilt: tuple[Path, dict[BadValue, tuple[str, int]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    landing, places = spoilt
    builder = Builder(tmp_path_factory.mktemp("faults-warehouse"))
    warehouse = builder.build(
        landing,
        select=["+row_reconciliation", "+rejected_rows", "+duplicate_rows"],
    )
    rejected = {
        (table, record): reasons
        for table, record, reasons in warehouse.query(
            "select source_table, source_record, reject_reasons from marts.rejected_rows"
        )
    }
    repeated = {
        (table, record)
        for table, record in warehouse.query(
            "select source_table, source_record from marts.duplicate_rows"
        )
    }
    for value, place in places.items():
        expected = f"{value.reason or 'accepted'}"
        with check("bad values", value.name, expected) as seen:
            found = rejected.get(place) or (DUPLICATE if place in repeated else "accepted")
            seen.say(found)
            assert found == expected
    with check("bad values", "rows that nobody damaged", "accepted"):
        assert set(rejected) | repeated == {
            place for value, place in places.items() if value.reason
        }
    with check("bad values", "accepted + rejected + duplicate = landed", "on every table") as seen:
        counts = warehouse.query(
            "select source_table, landed_count, accepted_count, rejected_count, duplicate_count "
            "from marts.row_reconciliation where source = 'market' order by 1"
        )
        for table, all_rows, accepted, bad, twice in counts:
            files = f"{landing}/market/*/{table}/*.parquet"
            [(landed,)] = duckdb.sql(f"select count(*) from read_parquet('{files}')").fetchall()
            assert all_rows == landed == accepted + bad + twice, table
        seen.say(
            ", ".join(f"{row[0]}: {row[2]} + {row[3]} + {row[4]} = {row[1]}" for row in counts)
        )
        assert len(counts) == 4
