"""A sealed log with everything an attacker may want to change, and the auditor who has kept what auditors keep."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from lifecycle.audit import Log
from lifecycle.canonical import canonical_bytes, leaf_hash, parse_canonical
from lifecycle.database import Database
from lifecycle.exporting.scope import scope_of
from lifecycle.seal.bundle import Bundle, Order, make_bundle
from lifecycle.seal.ends import End, ends_at, last_told, tell_heads
from lifecycle.seal.halts import Halted
from lifecycle.seal.heads import TreeHead, open_head
from lifecycle.seal.inspection import inspect
from lifecycle.seal.merkle import SHA256
from lifecycle.seal.notes import TIMED, NoteKey
from lifecycle.seal.pending import lost
from lifecycle.seal.sealer import Sealed
from lifecycle.seal.trees import size_of
from lifecycle.seal.witness import cosign, deliver
from lifecycle.settings import Settings
from lifecycle.signing import FileSigner, load_or_create_signer, sign_receipt
from tests.lifecycle import builders
from tests.lifecycle.seal.auditors import Auditor, Verified
from tests.lifecycle.seal.sealers import NOW, ORIGIN, damage, log_signer, published, seal_all, terms_for, write

WITNESS = "witness.example/a"


@dataclass
class Scene:
    """A house whose log is sealed, with a heads entry and a later tail in streams of the system's."""

    settings: Settings
    database: Database
    log: Log
    folder: Path
    signer: FileSigner = field(init=False)
    project: str = ""

    def __post_init__(self) -> None:
        self.signer, self.terms = log_signer(self.folder), terms_for(self.folder, self.log)
        self.auditor = Auditor(self.folder / "auditor", self.log, self.signer)
        batch = builders.open_batch(self.database, self.log)
        (row,) = builders.create_projects(self.database, self.log, batch, 1)
        self.project = row["id"]
        builders.drive(self.database, self.log, self.project, "applied")
        write(self.database, self.log, "a", 3)
        self.seal()
        tell_heads(self.database, self.log, builders.caller(now=NOW))
        write(self.database, self.log, "b", 3)
        self.seal()

    def seal(self, days: int = 0) -> Sealed:
        return seal_all(self.database, self.signer, self.terms, NOW + timedelta(days=days))

    def head(self) -> TreeHead:
        return published(self.terms, self.signer).head

    def sealer(self) -> str:
        """Run the sealer; return why it halts, or the kinds of problems it tells."""
        try:
            sealed = self.seal(1)
        except Halted as halted:
            return f"halts: {halted.cause}"
        with self.database.reading() as tx:
            found = {one.code for one in (*sealed.problems, *lost(tx))}
        return " ".join(sorted(found))

    def inspected(self) -> set[str]:
        with self.database.reading() as tx:
            return {one.code for one in inspect(tx).problems}

    def attack(self, sql: str, *values: Any) -> bool:
        """Run a statement as the application would, then with the triggers off; return whether they refused it."""
        refused = False
        try:
            with self.database.transaction() as tx:
                tx.execute_driver(sql.replace("?", "%s") if tx.is_postgres else sql, values)
        except Exception:
            refused = True
            damage(self.database, (sql, values))
        return refused

    def bundle(self, **order: Any) -> Path:
        """Write the bundle that this database and this folder give, with whatever was done to them."""
        path = self.folder / "bundle.zip"
        with self.database.reading() as tx, path.open("wb") as file:
            asked = Order(**{"views": ("entries.csv", "entries.jsonl"), **order})
            scope = scope_of(tx, asked.kind, asked.name)
            told = last_told(tx, self.head().size)
            made = Bundle(asked, scope, self.head(), self.terms.folder, "2024-07-08T01:00:00.000000Z", told)
            file.writelines(make_bundle(tx, made))
        return path

    def verified(self, **order: Any) -> Verified:
        return self.auditor.verify(self.bundle(**order))

    def remember(self) -> None:
        head = self.head()
        self.auditor.policy["remembered"] = [{"size": head.size, "root": head.root.hex()}]

    def keep_receipts(self) -> None:
        shutil.copyfile(self.settings.receipts, self.folder / "auditor" / "receipts.jsonl")
        self.auditor.policy["receipts"] = ["receipts.jsonl"]

    def witness(self) -> None:
        """Let a witness sign the published head, and the auditor ask for its signature."""
        signer = load_or_create_signer(self.folder / "witness" / "key")
        keys = [NoteKey(ORIGIN, 1, self.signer.public_key)]
        state = self.folder / "witness" / "state"
        _, note = cosign(self.terms.folder, keys, state, signer, WITNESS, NOW)
        deliver(self.terms.folder, WITNESS, note)
        self.auditor.policy["witnesses"] = [NoteKey(WITNESS, TIMED, signer.public_key).vkey]
        self.auditor.policy["witnesses_needed"] = 1

    def entries(self) -> list[dict[str, Any]]:
        sql = 'SELECT leaf."index", entry.* FROM entry LEFT JOIN leaf ON leaf.entry_id = entry.id ORDER BY leaf."index"'
        with self.database.reading() as tx:
            cursor = tx.driver.execute(sql)
            names = [one[0] for one in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def rewrite(self, index: int, change: Callable[[dict[str, Any]], None], *, signed: bool) -> None:
        """Change a sealed entry and recompute all that follows from it; with the writer's key, signatures too."""
        last: dict[str, bytes] = {}
        for row in self.entries():
            body = parse_canonical(bytes(row["body"]))
            if row["index"] == index:
                change(body)
            elif row["stream"] not in last:
                continue
            else:
                body["prev"] = last[row["stream"]].hex()
            raw = canonical_bytes(body)
            leaf = last[row["stream"]] = leaf_hash(raw)
            signature = bytes(row["signature"])
            if signed:
                signature = sign_receipt(self.log.signer, ORIGIN, row["stream"], row["seq"], leaf).signature
            damage(
                self.database,
                ("UPDATE entry SET body = ?, leaf = ?, signature = ? WHERE id = ?", [raw, leaf, signature, row["id"]]),
                ('UPDATE leaf SET hash = ? WHERE "index" = ?', [leaf, row["index"]]),
                ("UPDATE sealed_stream SET hash = ? WHERE stream = ? AND seq = ?", [leaf, row["stream"], row["seq"]]),
            )

    def seal_anew(self) -> None:
        """Throw away what was signed and published, and sign and publish what is there: whoever has the key can."""
        self.terms.state.unlink()
        shutil.rmtree(self.terms.folder)
        rows = self.entries()
        ids = [row["id"] for row in rows]
        damage(
            self.database,
            ("DELETE FROM leaf", []),
            ("DELETE FROM sealed_stream", []),
            ("DELETE FROM pending", []),
            *(("INSERT INTO pending (entry_id) VALUES (?)", [one]) for one in ids),
        )
        assert self.seal().problems == ()

    def cut_back(self, ends: Sequence[End], size: int) -> None:
        """Make the database what it was when these were the sealed ends: entries, leaves, queue and heads."""
        kept = {end.stream: end for end in ends}
        statements: list[tuple[str, Sequence[Any]]] = [
            ('DELETE FROM leaf WHERE "index" >= ?', [size]),
            ("DELETE FROM disclosure WHERE entry_id NOT IN (SELECT entry_id FROM leaf)", []),
            ("DELETE FROM entry WHERE id NOT IN (SELECT entry_id FROM leaf)", []),
            ("DELETE FROM pending", []),
            ("DELETE FROM sealed_stream", []),
        ]
        for end in ends:
            values = [end.seq, end.hash, end.stream]
            statements.append(("INSERT INTO sealed_stream (seq, hash, stream) VALUES (?, ?, ?)", values))
            statements.append(("UPDATE stream_head SET head_seq = ?, head_hash = ? WHERE stream = ?", values))
        marks = ", ".join("?" * len(kept))
        statements.append((f"DELETE FROM stream_head WHERE stream NOT IN ({marks})", list(kept)))
        damage(self.database, *statements)

    def ends(self) -> tuple[list[End], int]:
        with self.database.reading() as tx:
            size = size_of(tx)
            return ends_at(tx, size), size


def as_told(row: Mapping[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = parse_canonical(bytes(row["body"]))
    return body


__all__ = ["NOW", "ORIGIN", "SHA256", "Scene", "as_told", "open_head"]
