"""What the sealer looks for in an entry before it is sealed: its bytes, its columns, its log and its signature."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lifecycle.canonical import NotCanonical, instant, leaf_hash, parse_canonical
from lifecycle.seal.keyring import INTRODUCED, KeyAct
from lifecycle.signing import key_id, receipt_message
from lifecycle.statements import Row
from states.findings import Text

THREADS = 4  # verifying lets other threads run, so two cores verify nearly twice as fast
APART = 64  # fewer signatures are not worth a thread

TEXTS = {
    "entry-gone": Text("待封存的记录已不存在", "an entry that waits to be sealed is no longer there"),
    "leaf": Text("记录内容与其哈希值不符", "the body does not hash to the stored leaf"),
    "body": Text("记录内容不是规范格式", "the body is not canonical, or lacks what an entry has"),
    "columns": Text("检索列与记录内容不一致", "the search columns differ from the body"),
    "log": Text("记录不属于本日志", "the entry belongs to another log"),
    "key": Text("签名密钥不在名单内", "the entry is signed with a key that is not known"),
    "key-ended": Text("签名密钥已停用或吊销", "the entry is signed with a key that was retired or revoked"),
    "signature": Text("写入签名无效", "the writer's signature does not hold"),
    "seq": Text("序号重复：该位置已有封存的记录", "a number given twice: an entry is sealed in its place"),
    "prev": Text("与前一条记录不衔接", "the entry does not continue the one before it"),
    "gap": Text("前一条记录缺失", "the entry before it is missing"),
    "lost": Text("前一条记录未封存且不在待封存队列中", "the entry before it is neither sealed nor pending"),
    "unqueued": Text("记录未封存且不在待封存队列中", "the entry is neither sealed nor pending"),
    "sealed-gone": Text("已封存的记录已不存在", "a sealed entry is no longer there"),
    "sealed-changed": Text("已封存的记录被改动", "a sealed entry was changed"),
    "tree": Text("封存树的数据不完整或被改动", "rows of the tree are missing or were changed"),
}


class Problem(NamedTuple):
    """What is wrong with an entry, or with a place of the tree where no entry is known."""

    code: str
    entry: str | None = None
    stream: str | None = None
    seq: int | None = None
    detail: str = ""

    @property
    def text(self) -> Text:
        """Return what to tell people."""
        where = f"{self.stream} {self.seq}" if self.stream else (self.entry or "")
        more = f" ({self.detail})" if self.detail else ""
        return Text(*(f"{where}: {text}{more}" for text in TEXTS[self.code]))

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        text = self.text
        return {**self._asdict(), "message": {"zh": text.zh, "en": text.en}}


class Writers:
    """The public keys of those who write entries, by key id."""

    def __init__(self, public_keys: Sequence[bytes]) -> None:
        """Take raw Ed25519 public keys.

        Raises:
            ValueError: one is none.
        """
        self.public_keys = {key_id(one): one for one in public_keys}
        self._verifiers = {name: Ed25519PublicKey.from_public_bytes(one) for name, one in self.public_keys.items()}
        self.ended: set[str] = set()

    def heeding(self, acts: Iterable[KeyAct]) -> "Writers":
        """Return these writers and what the log says of their keys."""
        found = Writers(list(self.public_keys.values()))
        found.ended.update(self.ended)
        for act in acts:
            found.heed(act)
        return found

    def heed(self, act: KeyAct) -> None:
        """Take in what an entry says of a writer's key."""
        if act.use != "writer":
            return
        if act.kind == INTRODUCED:
            self.public_keys[act.key_id] = act.public_key
            self._verifiers[act.key_id] = Ed25519PublicKey.from_public_bytes(act.public_key)
            self.ended.discard(act.key_id)
        else:
            self.ended.add(act.key_id)

    def __contains__(self, key: str) -> bool:
        """Say whether a key id is known, still in use or not."""
        return key in self._verifiers

    def signed(self, origin: str, row: Row) -> bool:
        """Say whether a known writer signed for this entry at its place."""
        try:
            message = receipt_message(origin, row["stream"], row["seq"], row["leaf"])
            self._verifiers[row["key_id"]].verify(row["signature"], message)
        except (InvalidSignature, KeyError, ValueError):
            return False
        return True

    def all_signed(self, origin: str, rows: Sequence[Row]) -> list[bool]:
        """Say it of many entries, with a few threads."""
        step = max(APART, -(-len(rows) // THREADS))
        parts = [rows[at : at + step] for at in range(0, len(rows), step)]
        with ThreadPoolExecutor(THREADS) as pool:
            done = pool.map(lambda part: [self.signed(origin, row) for row in part], parts)
            return [one for part in done for one in part]


def examine(origin: str, row: Row, writers: Writers, signed: bool) -> Mapping[str, Any] | Problem:
    """Return an entry's body, or what is wrong with the entry on its own; `signed`: what `Writers` says of it."""

    def problem(code: str, detail: str = "") -> Problem:
        return Problem(code, row["id"], row["stream"], row["seq"], detail)

    if leaf_hash(row["body"]) != row["leaf"]:
        return problem("leaf")
    try:
        body = parse_canonical(row["body"])
        wrong = strayed(row, body)
    except (NotCanonical, KeyError, TypeError) as error:
        return problem("body", type(error).__name__)
    if wrong:
        return problem("columns", ", ".join(wrong))
    if body.get("log") != origin:
        return problem("log")
    if row["key_id"] not in writers or row["key_id"] in writers.ended:
        return problem("key-ended" if row["key_id"] in writers.ended else "key", row["key_id"])
    return body if signed else problem("signature")


def strayed(row: Row, body: Mapping[str, Any]) -> list[str]:
    """Return the search columns that are not what the body says.

    Raises:
        KeyError, TypeError: the body is not an entry's.
    """
    return [name for name, told in projections(body).items() if not _same(told, _stored(row, name))]


def projections(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the search columns that a body asks for.

    Raises:
        KeyError, TypeError: the body is not an entry's.
    """
    action = body["action"]
    return {
        **{name: body[name] for name in ("id", "stream", "seq", "at", "type", "outcome")},
        "actor": body["actor"]["id"],
        "action": action["name"] if action else None,
    }


def _stored(row: Row, name: str) -> Any:
    return instant(row[name]) if name == "at" else row[name]


def _same(told: Any, stored: Any) -> bool:
    return type(told) is type(stored) and told == stored  # for Python, True is 1
