"""A project of one small source, folders of raw files, and what landed of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from clientele.intake.load import load_files
from clientele.production.home import Home
from clientele.progress import SILENT, Steps

SOURCES = """
sources:
  - name: shop
    config:
      enabled: "{{ 'shop' in var('sources') }}"
      meta:
        intake: {delimiter: ",", quote: '"', encoding: utf-8, minimum_rows: 1, most_rejected: 0.5}
    tables:
      - name: orders
        config: {meta: {person: {column: client_id}}}
        columns:
          - {name: client_id}
          - {name: order_id, config: {meta: {format: "[0-9]+"}}}
          - {name: comment}
      - name: order_lines
        config: {meta: {person: {column: order_id, through: orders}}}
        columns: [{name: order_id}, {name: product}]
      - name: notes
        config: {enabled: "{{ false }}", meta: {intake: {most_rejected: 1}}}
        columns: [{name: note}, {name: more, config: {meta: {nested: true}}}]
"""
HEADER = b"client_id,order_id,comment\n"
LINES = b"order_id,product\n1,tea\n"
LOADED_AT = datetime(2026, 7, 1, 6)


@dataclass
class Place:
    """A project, a folder of raw files and a landing zone below one folder."""

    root: Path
    loads: int = field(default=0)

    def __post_init__(self) -> None:
        path = self.root / "project/models/staging/shop/_shop__sources.yml"
        path.parent.mkdir(parents=True)
        path.write_text(SOURCES)
        self.raw.mkdir()

    @property
    def raw(self) -> Path:
        return self.root / "raw"

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def home(self) -> Home:
        return Home(self.root / "production")

    def put(self, name: str, content: bytes) -> Path:
        path = self.raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def load(self, steps: Steps = SILENT, **options: Any) -> dict[str, Any]:
        options = {"allow_missing": True, "ingested_at": LOADED_AT, **options}
        return load_files(
            self.raw, "shop", self.landing, self.home, project=self.root / "project",
            steps=steps, **options,
        )  # fmt: skip

    def landed(self, table: str, columns: str) -> list[tuple[Any, ...]]:
        files = f"{self.landing}/shop/**/{table}/*.parquet"
        with duckdb.connect() as connection:
            return connection.execute(
                f"select {columns} from read_parquet(?, hive_partitioning = false) "
                "order by _file, _record",
                [files],
            ).fetchall()

    def everything(self) -> list[str]:
        """The files of the landing zone, but for its lock."""
        found = (path for path in self.landing.rglob("*") if path.is_file())
        names = (path.relative_to(self.landing).as_posix() for path in found)
        return sorted(name for name in names if name != ".clientele.lock")
