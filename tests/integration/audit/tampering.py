"""What somebody does to a log who may write its database file: each way at random, none of them by our own code."""

import json
import random
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from reconciler.domain.audit import chain

COLUMNS = ("seq", "at", "actor", "action", "subject", "fingerprint", "detail", "prev_hash", "hash")
Row = dict[str, Any]


@dataclass
class Log:
    """The table of a log in a SQLite file, and how it was before anybody touched it."""

    database: sqlite3.Connection
    dice: random.Random

    def __post_init__(self) -> None:
        # what was written over must not be there again after a crash of the machine: nobody waits for that here
        self.database.execute("PRAGMA synchronous=OFF")
        self.before = self.rows()

    def rows(self) -> list[Row]:
        listed = ", ".join(COLUMNS)
        found = self.database.execute(f"SELECT {listed} FROM audit ORDER BY seq")  # noqa: S608  the columns are ours
        return [dict(zip(COLUMNS, row, strict=True)) for row in found]

    def write(self, rows: list[Row]) -> None:
        """Replace the whole table in one transaction."""
        places = ", ".join(f":{name}" for name in COLUMNS)
        self.database.execute("BEGIN")
        self.database.execute("DELETE FROM audit")
        self.database.executemany(f"INSERT INTO audit ({', '.join(COLUMNS)}) VALUES ({places})", rows)  # noqa: S608
        self.database.execute("COMMIT")

    def restore(self) -> None:
        self.write(self.before)

    def tamper(self, way: str) -> str:
        """Do it, and say what was done."""
        rows = [dict(row) for row in self.before]
        told = WAYS[way](self.dice, rows)
        assert rows != self.before, f"{way} must change something: {told}"
        self.write(rows)
        return f"{way}: {told}"


def sql(folder: Path, statement: str) -> None:
    """Execute a statement on the database of a folder, beside whoever has it open."""
    with closing(sqlite3.connect(folder / "reconciler.db", isolation_level=None)) as database:
        database.execute(statement)


def _edit(dice: random.Random, rows: list[Row]) -> str:
    row = dice.choice(rows)
    column = dice.choice(COLUMNS)
    was = row[column]
    taken = {each["seq"] for each in rows}
    while row[column] == was:  # a draw may give what is there: the first row's hash before it is all zeros
        row[column] = _drawn(dice, column, was, taken)
    return f"{column} of a row: {was!r} → {row[column]!r}"


def _edit_and_hash(dice: random.Random, rows: list[Row]) -> str:
    """An edit with the hash that fits it: what is wrong then is the next entry, or the head."""
    row = dice.choice(rows)
    row["actor"] += "x"
    row["hash"] = _hash(row)
    return f"actor of {row['seq']} with a fitting hash"


def _delete(dice: random.Random, rows: list[Row]) -> str:
    begin = dice.randrange(len(rows))
    end = min(len(rows), begin + dice.choice((1, 1, 2, 5)))
    told = f"rows {begin} to {end}"
    del rows[begin:end]
    return told


def _delete_all(_: random.Random, rows: list[Row]) -> str:
    rows.clear()
    return "everything"


def _swap(dice: random.Random, rows: list[Row]) -> str:
    one, two = dice.sample(rows, 2)
    which = dice.choice((("actor", "action", "subject", "detail", "at"), COLUMNS[1:]))
    changed = any(one[name] != two[name] for name in which)
    for name in which:
        one[name], two[name] = two[name], one[name]
    if not changed:
        one["subject"] += "x"
    return f"{one['seq']} and {two['seq']}: {which}"


def _insert(dice: random.Random, rows: list[Row]) -> str:
    """An entry more, at the front, in between (those behind it make room), or at the end without the chain."""
    at = dice.randrange(len(rows) + 1)
    seq = rows[at]["seq"] if at < len(rows) else rows[-1]["seq"] + 1
    if at == 0 and dice.random() < 0.5:
        seq = rows[0]["seq"] - dice.randint(1, 5)
    else:
        for row in rows[at:]:
            row["seq"] += 1
    forged = dict(dice.choice(rows), seq=seq, actor="eve")
    if dice.random() < 0.5:
        forged["hash"] = _hash(forged)
    rows.insert(at, forged)
    return f"entry {seq}"


def _truncate(dice: random.Random, rows: list[Row]) -> str:
    keep = dice.randrange(len(rows))
    del rows[keep:]
    return f"kept {keep}"


def _rewrite(dice: random.Random, rows: list[Row]) -> str:
    """An edit, and every hash after it made anew: the chain alone is flawless."""
    at = dice.randrange(len(rows))
    rows[at]["actor"] = "eve"
    _rechain(rows, at)
    return f"from {rows[at]['seq']} on"


def _rewrite_without(dice: random.Random, rows: list[Row]) -> str:
    """An entry gone, those behind it moved up, and every hash made anew."""
    at = dice.randrange(len(rows) - 1)
    begin = rows[at]["prev_hash"]
    del rows[at]
    for row in rows[at:]:
        row["seq"] -= 1
    rows[at]["prev_hash"] = begin
    _rechain(rows, at)
    return f"without the one at {at}"


def _cut_the_beginning(dice: random.Random, rows: list[Row]) -> str:
    """As retention does it, but without an entry that says so."""
    gone = dice.randrange(1, len(rows))
    del rows[:gone]
    return f"{gone} at the old end"


def _excuse(dice: random.Random, rows: list[Row]) -> str:
    """As retention does it, and with a flawless entry that says so: nobody but the service may remove anything."""
    gone = dice.randrange(1, len(rows))
    append_prune(rows, rows[gone - 1], archive=f"audit-archive/{1:012d}-{rows[gone - 1]['seq']:012d}.jsonl")
    del rows[:gone]
    return f"{gone} at the old end, with an entry that says so"


def append_prune(rows: list[Row], through: Row, *, archive: str) -> None:
    """Continue the chain with an entry that says that everything up to a row was removed."""
    detail = {"through": through["seq"], "hash": through["hash"], "removed": through["seq"], "archive": archive}
    last = rows[-1]
    said = {"actor": "reconciler", "action": "audit.prune", "subject": "audit", "fingerprint": None}
    row = {**last, **said, "seq": last["seq"] + 1, "detail": json.dumps(detail), "prev_hash": last["hash"]}
    rows.append({**row, "hash": _hash(row)})


WAYS: Mapping[str, Callable[[random.Random, list[Row]], str]] = {
    "edit": _edit,
    "edit_and_hash": _edit_and_hash,
    "delete": _delete,
    "delete_all": _delete_all,
    "swap": _swap,
    "insert": _insert,
    "truncate": _truncate,
    "rewrite": _rewrite,
    "rewrite_without": _rewrite_without,
    "cut_the_beginning": _cut_the_beginning,
    "excuse": _excuse,
}


def _rechain(rows: list[Row], at: int) -> None:
    for place in range(at, len(rows)):
        if place > at:
            rows[place]["prev_hash"] = rows[place - 1]["hash"]
        rows[place]["hash"] = _hash(rows[place])


def _hash(row: Row) -> str:
    said = {name: row[name] for name in ("seq", "actor", "action", "subject", "fingerprint")}
    at = datetime.fromisoformat(f"{row['at']}+00:00")
    return chain(row["prev_hash"], at=at, detail=json.loads(row["detail"]), **said)


def _drawn(dice: random.Random, column: str, was: Any, taken: set[int]) -> Any:  # noqa: PLR0911  one for each kind
    """Draw a value for a column: mostly a believable one, sometimes one that does not belong there at all."""
    match column:
        case "seq":
            return dice.choice([seq for seq in (*range(-3, 60), 2**31) if seq not in taken])
        case "at" if dice.random() < 0.8:
            moment = datetime.fromisoformat(was) + timedelta(microseconds=dice.choice((-1, 1, 10**6, 10**12)))
            return moment.isoformat(sep=" ", timespec="microseconds")
        case "detail" if dice.random() < 0.8:
            return json.dumps(_other_detail(dice, json.loads(was)))
        case "fingerprint":
            return dice.choice([each for each in (None, "", "e" * 64, "f" * 63 + "0") if each != was])
        case "at" | "detail":
            return dice.choice(("", "{", "yesterday", b"\xff\xfe", "[]", "null", "1", '"text"', '{"a": NaN}'))
        case "prev_hash" | "hash":
            return dice.choice(("0" * 64, "", was[:-1], was.upper() + "A", was[::-1] + "0"))
        case _:
            return dice.choice(
                (was + "x", was[1:], f" {was}", "", "éve", b"\xff\xfe\xfd", was + "\N{ZERO WIDTH SPACE}")
            )


def _other_detail(dice: random.Random, detail: dict[str, Any]) -> dict[str, Any]:
    """One thing changed, however deep."""
    match dice.randrange(5):
        case 0:
            return {**detail, "more": dice.choice((None, 1, "text", [], {}))}
        case 1:
            return {**detail, "n": detail.get("n", 0) + dice.choice((1, 0.5, 10**20))}
        case 2:
            return {**detail, "list": [*reversed(detail.get("list", [1, 2])), 3]}
        case 3:
            gone = dice.choice(sorted(detail))
            return {name: value for name, value in detail.items() if name != gone}
        case _:
            return {**detail, "n": str(detail.get("n"))}
