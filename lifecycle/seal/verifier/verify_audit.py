#!/usr/bin/env python3
"""核验审计日志导出包 / Verify a bundle of the audit log, trusting neither who made it nor who runs the database.

用法 usage:  python3 verify_audit.py BUNDLE.zip --policy policy.json [--signatures all|none|N] [--ed25519 MODE]
退出码 exit: 0 无发现 clean · 1 有发现 findings · 2 未能核验完全 incomplete

Needs Python 3.10 or later and, for Ed25519, the package `cryptography` or the program `openssl`; nothing else.
The policy is the auditor's own file, never taken from the bundle (all paths relative to it):
  origin            the log's name
  log_keys          its public keys, name+id+base64 (C2SP signed-note), as `pilot audit keys` printed them
  writer_keys       the writers' public keys, base64
  witnesses, witnesses_needed   keys of witnesses, in the same form, and how many must have signed
  remembered        [{"size": …, "root": hex or base64}] copied by hand from earlier checkpoints
  receipts          files of receipts kept outside the database, one JSON object a line
  documents         a folder with the documents themselves, named ID-VERSION.anything; or null

What is computed, in this order: 1. the signed tree head, the way from a trusted key to the one that signed it, and the
witnesses; 2. every entry: canonical bytes, hash, place in its stream, place in the tree, writer's signature; 3. the
tree's root (or each entry's proof), remembered heads, the heads entry; 4. receipts, documents, disclosures and every
row of every table. Hashes are RFC 6962's: leaf H(0x00|entry), node H(0x01|left|right).
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree.ElementTree import iterparse

LINE, TOLD = 64 * 1024, 100  # the longest line of a member; findings printed of each kind
SHAPES = 10_000  # shapes of entries that are remembered
DAYS = 2  # a heads entry is written every day
ZERO = "0" * 64
KEYS, HEADS = "system/keys", "system/heads"
CHINESE = {
    "bundle": "导出包不完整或格式有误", "checkpoint": "检查点签名无效", "rolled-back": "导出包早于已知的检查点",
    "forked": "与已知的检查点不一致", "tree": "封存树的根不符", "proof": "包含证明不成立", "leaf": "记录的哈希或格式有误",
    "order": "序号不连续", "chain": "与前一条记录不衔接", "log": "不属于本日志", "key": "签名密钥当时不在有效期内",
    "signature": "写入签名无效", "heads": "各留痕末条与记录不符", "receipt": "有回执的记录不在包内或内容不同",
    "document": "文件与记录的哈希不符", "disclosure": "披露的内容与记录不符或缺失", "table": "表格内容与记录不符",
    "witness": "见证签名不足",
}  # fmt: skip


class Report:
    """What was found, what was checked, what was not."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.checked: list[str] = []
        self.unchecked: list[str] = []  # asked for and not done: exit code 2
        self.silent: list[str] = []  # not asked for, and worth knowing

    def find(self, code: str, where: str, what: str) -> None:
        """Tell a finding at once; it names the entry."""
        self.counts[code] = self.counts.get(code, 0) + 1
        if self.counts[code] <= TOLD:
            print(f"[{code}] {where}: {CHINESE[code]} / {what}")

    def end(self) -> int:
        """Print the rest and return the exit code."""
        for code, number in self.counts.items():
            if number > TOLD:
                print(f"[{code}] …… {number - TOLD} more")
        for title, lines in (("已核 checked", self.checked), ("未核 NOT checked", self.unchecked + self.silent)):
            print(f"\n{title}:")
            print("\n".join(f"  - {line}" for line in lines) or "  - 无 none")
        print(
            "\n任何密码学方法都不能证明 what no cryptography can show:\n"
            "  - 程序如实记录了不实之事；程序之外所办之事；登录凭证被盗；运行方与全部见证方串通\n"
            "  - a lie truthfully recorded; acts outside; a stolen login; the operator in league with every witness"
        )
        result = 1 if self.counts else 2 if self.unchecked else 0
        words = ("无发现 CLEAN", f"有发现 FINDINGS: {self.counts}", "未能核验完全 INCOMPLETE")
        print(f"\n结论 result: {words[result]}")
        return result


# ---- Ed25519: by `cryptography`, or a call of `openssl` for each signature ----

Verify = Callable[[bytes, bytes, bytes], bool]


def by_cryptography() -> Verify:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    known: dict[bytes, Any] = {}

    def verify(public: bytes, signature: bytes, message: bytes) -> bool:
        try:
            if public not in known:
                known[public] = Ed25519PublicKey.from_public_bytes(public)
            known[public].verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    return verify


def by_openssl() -> Verify:
    folder = tempfile.TemporaryDirectory(prefix="verify-audit-")
    names = [str(Path(folder.name) / name) for name in ("key.der", "message", "signature")]
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", names[0], "-rawin",
               "-in", names[1], "-sigfile", names[2]]  # fmt: skip

    def verify(public: bytes, signature: bytes, message: bytes, _folder: Any = folder) -> bool:
        der = bytes.fromhex("302a300506032b6570032100") + public  # SubjectPublicKeyInfo, RFC 8410
        for name, content in zip(names, (der, message, signature)):
            Path(name).write_bytes(content)
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    return verify


def ed25519(mode: str) -> tuple[str, Verify | None]:
    """Return a way to verify that passes RFC 8032's second test and refuses it changed; None where there is none."""
    public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    good = bytes.fromhex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                         "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")  # fmt: skip
    for name, make in (("cryptography", by_cryptography), ("openssl", by_openssl)):
        if mode not in ("auto", name):
            continue
        try:
            verify = make()
            if verify(public, good, b"\x72") and not verify(public, good, b"\x73"):
                return name, verify
        except (ImportError, OSError):
            continue
    return "none", None


# ---- Merkle trees: RFC 6962 §2.1, proofs as RFC 9162 §2.1.3.2 and §2.1.4.2 verify them ----


Hash = Callable[[bytes], bytes]


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def sm3(data: bytes) -> bytes:
    return hashlib.new("sm3", data).digest()


def are_hashes(values: list[bytes]) -> bool:
    return all(len(value) == 32 for value in values)


def turns(fn: int, sn: int, path: list[bytes]) -> list[bool] | None:
    """Return for each step whether it stands on the left; None where the path is too short or too long."""
    found = []
    for _ in path:
        if sn == 0:
            return None
        found.append(bool(fn & 1) or fn == sn)
        while found[-1] and not fn & 1 and fn:
            fn, sn = fn >> 1, sn >> 1
        fn, sn = fn >> 1, sn >> 1
    return found if sn == 0 else None


def included(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes, h: Hash = sha256) -> bool:
    lefts = turns(index, size - 1, path)
    if not 0 <= index < size or not are_hashes([leaf, root, *path]) or lefts is None:
        return False
    for step, left in zip(path, lefts):
        leaf = h(b"\x01" + step + leaf) if left else h(b"\x01" + leaf + step)
    return leaf == root


def consistent(old: int, new: int, old_root: bytes, new_root: bytes, path: list[bytes], h: Hash = sha256) -> bool:
    if not 0 < old <= new or not are_hashes([old_root, new_root, *path]):
        return False
    if old == new:
        return not path and old_root == new_root
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    first, *steps = [old_root, *path] if old & (old - 1) == 0 else path or [b""]
    second, lefts = first, turns(fn, sn, steps)
    for step, left in zip(steps, lefts or ()):
        if left:
            first = h(b"\x01" + step + first)
        second = h(b"\x01" + step + second) if left else h(b"\x01" + second + step)
    return bool(path) and lefts is not None and (first, second) == (old_root, new_root)


class Tree:
    """A growing tree: the roots of its complete subtrees, largest first; what its root was at chosen sizes."""

    def __init__(self, h: Hash, wanted: set[int]) -> None:
        self.h, self.size, self.wanted = h, 0, wanted
        self.peaks: list[bytes] = []
        self.roots: dict[int, bytes] = {0: h(b"")}

    def add(self, leaf: bytes) -> None:
        node, number = leaf, self.size
        while number & 1:
            node = self.h(b"\x01" + self.peaks.pop() + node)
            number >>= 1
        self.peaks.append(node)
        self.size += 1
        if self.size in self.wanted:
            self.roots[self.size] = self.root()

    def root(self) -> bytes:
        if not self.peaks:
            return self.roots[0]
        found = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            found = self.h(b"\x01" + peak + found)
        return found


# ---- Signed notes: C2SP signed-note, tlog-checkpoint, tlog-cosignature ----


class Key(NamedTuple):
    name: str
    id: bytes
    kind: int  # 1: signs the text; 4: signs it with the time
    public: bytes


class Head(NamedTuple):
    origin: str
    size: int
    root: bytes
    text: str
    signatures: list[tuple[str, bytes]]


def octets(text: Any) -> bytes:
    """Decode base64 in its one canonical spelling; anything else is empty, and fits nowhere."""
    try:
        found = b64decode(text, validate=True)
    except (ValueError, TypeError):
        return b""
    return found if b64encode(found).decode() == text else b""


def parse_key(line: str) -> Key:
    name, _, rest = line.partition("+")
    encoded = octets(rest.partition("+")[2])
    if len(encoded) != 33 or encoded[0] not in (1, 4):
        raise SystemExit(f"policy: {line} is no key of the form name+id+base64")
    number = sha256(name.encode() + b"\n" + encoded)[:4]
    if number.hex() != rest.partition("+")[0]:
        raise SystemExit(f"policy: the id in {line} should be {number.hex()}")
    return Key(name, number, encoded[0], encoded[1:])


def parse_head(data: bytes) -> Head | None:
    try:
        text, blank, lines = data.decode("utf-8").rpartition("\n\n")
        origin, size, root = text.split("\n")[:3]
        found = re.findall(r"— (\S+) (\S+)\n", lines)
    except ValueError:
        return None
    if not blank or not re.fullmatch(r"0|[1-9][0-9]{0,18}", size) or len(octets(root)) != 32:
        return None
    return Head(origin, int(size), octets(root), text + "\n", [(name, octets(code)) for name, code in found])


def signers(head: Head, keys: list[Key], verify: Verify) -> dict[Key, int | None]:
    """Return which of the keys have signed, and the time in seconds where it is told."""
    found: dict[Key, int | None] = {}
    for name, signed in head.signatures:
        for key in keys:
            if (name, signed[:4]) != (key.name, key.id) or key in found:
                continue
            when = int.from_bytes(signed[4:12], "big") if key.kind == 4 else None
            message = head.text if when is None else f"cosignature/v1\ntime {when}\n{head.text}"
            if verify(key.public, signed[4:] if when is None else signed[12:], message.encode()):
                found[key] = when
    return found


# ---- Entries ----


class Entry(NamedTuple):
    place: int  # in the tree, from 0
    key_id: str
    signature: str
    raw: bytes
    leaf: bytes
    body: Any

    @property
    def where(self) -> str:
        return f"entry {self.body['id']} ({self.body['stream']} {self.body['seq']}, index {self.place})"


def lines_of(bundle: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """Yield a member's lines without their ends; nothing where there is no such member."""
    if name not in bundle.namelist():
        return
    with bundle.open(name) as member, io.BufferedReader(member, 256 * 1024) as lines:  # type: ignore[type-var]
        while line := lines.readline(LINE):
            yield line.rstrip(b"\n")


def entries_of(bundle: zipfile.ZipFile, name: str, report: Report) -> Iterator[Entry]:
    """Yield a member's entries; what cannot be read as one is a finding, and what follows it is read all the same."""
    spelling = Spelling()
    for number, line in enumerate(lines_of(bundle, name)):
        try:
            index, key_id, signature, raw = line.split(b"\t", 3)
            text = raw.decode()
            body, end = DECODE(text)
            if end != len(text) or not {"id", "stream", "seq"} <= body.keys():
                raise ValueError
            leaf = hashlib.sha256(b"\x00" + raw).digest()
            entry = Entry(int(index), key_id.decode(), signature.decode(), raw, leaf, body)
        except (ValueError, AttributeError, RecursionError):
            report.find("leaf", f"{name} line {number + 1}", "this is no entry")
            continue
        if not spelling.is_canonical(raw, body):
            report.find("leaf", entry.where, "not the canonical spelling of its content")
        yield entry


DECODE = json.JSONDecoder().raw_decode
ENCODE = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def canonical(value: Any) -> bytes:
    """Sorted keys, no spaces, UTF-8 (RFC 8785): any other spelling, or a key given twice, comes out different."""
    return ENCODE(value).encode("utf-8", "surrogatepass")


class Spelling:
    """Whether entries are spelled canonically: by writing the content anew, which takes twice as long as reading it.

    So it is done once for each shape: all that stands between strings (with 1 for the digits 1 to 9) and all keys. Where
    no string has an escape and no number a fraction, what was found of one entry holds for every other of its shape.
    """

    DIGITS = bytes.maketrans(b"23456789", b"11111111")  # 0 stays apart: -0 is not canonical

    def __init__(self) -> None:
        self.keys: dict[bytes, Callable[[Any], Any]] = {}  # what picks the keys, by what stands between strings
        self.seen: set[Any] = set()

    def is_canonical(self, raw: bytes, body: Any) -> bool:
        parts = raw.split(b'"')  # without escapes every other part is a string
        between = b'"'.join(parts[::2]).translate(self.DIGITS)
        keys = self.keys.get(between)
        if b"\\" not in raw and keys and (between, keys(parts)) in self.seen:
            return True
        if canonical(body) != raw:
            return False
        if b"\\" not in raw and len(self.seen) < SHAPES and not re.search(rb"[0-9][.eE]", between):
            keys = itemgetter(*[at for at in range(1, len(parts), 2) if parts[at + 1][:1] == b":"])
            self.keys[between] = keys
            self.seen.add((between, keys(parts)))
        return True


def writer_id(public: bytes) -> str:
    return sha256(b"pilot-audit/writer/v1\n" + public)[:8].hex()


def receipt_message(origin: str, stream: str, seq: Any, leaf: bytes) -> bytes:
    return f"pilot-audit/receipt/v1\n{origin}\n{stream}\n{seq}\n{b64encode(leaf).decode()}\n".encode()


class Keyring:
    """When each writer's key counted, in the tree's order: given by the policy, or by entries of `system/keys`."""

    def __init__(self, given: list[bytes]) -> None:
        self.public = {writer_id(one): one for one in given}
        self.spans: dict[str, list[list[int]]] = {name: [[-1, sys.maxsize]] for name in self.public}
        self.since: dict[str, str] = {}  # not vouched for from then on
        self.log: dict[bytes, int] = {}  # next keys of the log, and where they were introduced
        self.acts: dict[int, bytes] = {}

    def heed(self, entry: Entry) -> None:
        body = entry.body
        if body.get("stream") != KEYS or body.get("outcome") != "success":
            return
        self.acts[entry.place] = entry.leaf
        changes = {change["path"]: change for change in body["changes"]}
        for path, change in changes.items():
            use, _, name = path.removeprefix("/keys/").partition("/")
            public = octets(change["new"] or change["old"])
            if not path.startswith("/keys/") or writer_id(public) != name:
                continue
            if use == "log" and body["type"] == "key.introduced":
                self.log[public] = entry.place
            elif use == "writer" and body["type"] == "key.introduced":
                self.public[name] = public
                self.spans.setdefault(name, []).append([entry.place, sys.maxsize])
            elif use == "writer" and self.spans.get(name):
                self.spans[name][-1][1] = entry.place
                if "/compromised_since" in changes:
                    self.since[name] = changes["/compromised_since"]["new"]

    def counts(self, entry: Entry) -> bool:
        return any(first < entry.place < last for first, last in self.spans.get(entry.key_id, ()))


# ---- Tables: each row again from its entry ----

COLUMNS = ("index", "leaf", "id", "stream", "seq", "at", "type", "outcome", "actor", "role", "org", "on_behalf_of",
           "channel", "request", "subject", "version", "action", "from", "to", "override", "changes", "docs")  # fmt: skip


def row_of(entry: Entry) -> list[Any]:
    body = entry.body
    actor, source, subject, action = body["actor"], body["source"], body["subject"], body["action"] or {}
    return [
        entry.place, entry.leaf.hex(), body["id"], body["stream"], body["seq"], body["at"], body["type"],
        body["outcome"], actor["id"], actor["role"], actor["org"], actor["on_behalf_of"], source["channel"],
        source["request"], f"{subject['kind']}/{subject['id']}", subject["version"], action.get("name"),
        action.get("from"), action.get("to"), " ".join(action.get("override") or ()) or None,
        " ".join(change["path"] for change in body["changes"]) or None, len(body["docs"]),
    ]  # fmt: skip


UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def cell(value: Any) -> str:
    """Return a value as a cell of a table for people: nothing that a spreadsheet would take for a formula."""
    text = "" if value is None else UNPRINTABLE.sub("\ufffd", str(value))
    return "'" + text if text[:1] in ("=", "+", "-", "@", "＝", "＋", "－", "＠") else text


def csv_rows(bundle: zipfile.ZipFile, name: str) -> Iterator[list[str]]:
    with bundle.open(name) as member, io.TextIOWrapper(member, "utf-8-sig", newline="") as text:
        rows = csv.reader(text)
        next(rows, None)
        yield from rows


def xlsx_rows(bundle: zipfile.ZipFile, name: str) -> Iterator[list[str]]:
    """Yield the rows of a workbook, sheet by sheet; its cells hold their text themselves (inline strings or numbers)."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with bundle.open(name) as member, zipfile.ZipFile(member) as book:
        sheets = [one for one in book.namelist() if one.startswith("xl/worksheets/")]
        for one in sorted(sheets, key=lambda one: (len(one), one)):  # sheet2.xml before sheet10.xml
            with book.open(one) as sheet:
                for _, row in iterparse(sheet):
                    if row.tag == f"{space}row":
                        if row.get("r") != "1":
                            yield ["".join(part.itertext()) for part in row.iter(f"{space}c")]
                        row.clear()


def as_cells(row: list[Any]) -> list[str]:
    return [cell(value) for value in row]


def as_line(row: list[Any]) -> bytes:
    return canonical(dict(zip(COLUMNS, row)))


FORMS: dict[str, tuple[Any, Any]] = {
    "csv": (csv_rows, as_cells), "xlsx": (xlsx_rows, as_cells), "jsonl": (lines_of, as_line)
}  # fmt: skip


def tables_of(bundle: zipfile.ZipFile, report: Report) -> list[tuple[str, Iterator[Any], Callable[[list[Any]], Any]]]:
    """Return the tables: their name, their rows, and what makes an entry's row comparable with theirs."""
    views = [name for name in bundle.namelist() if name.startswith("views/")]
    found = [(name, *FORMS[name.rpartition(".")[2]]) for name in views if name.rpartition(".")[2] in FORMS]
    strange = set(views) - {name for name, _, _ in found}
    report.unchecked += [f"{name}: 此格式未核 a form that this verifier does not read" for name in sorted(strange)]
    return [(name, rows(bundle, name), comparable) for name, rows, comparable in found]


# ---- Disclosures: what opens the commitments {"$c": …} ----


def commitments(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if set(value) == {"$c"}:
            yield path, value["$c"]
        else:
            for name in value:
                yield from commitments(value[name], f"{path}/{name}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from commitments(item, f"{path}/{number}")


class Disclosures:
    """The values behind an entry's commitments, entry by entry; a missing one must have been redacted on record."""

    def __init__(self, bundle: zipfile.ZipFile, report: Report) -> None:
        self.report, self.given = report, "disclosures.jsonl" in bundle.namelist()
        self.lines = (json.loads(line) for line in lines_of(bundle, "disclosures.jsonl"))
        self.next, self.opened = next(self.lines, None), 0
        self.missing: dict[tuple[str, str], str] = {}
        self.redacted: set[tuple[str, str]] = set()

    def check(self, entry: Entry) -> None:
        name, held = entry.body["id"], {}
        while self.next is not None and self.next["entry"] == name:
            held[self.next["path"]] = self.next
            self.next = next(self.lines, None)
        for path, committed in commitments(entry.body):
            told = held.pop(path, None)
            if told is None:
                self.missing[name, path] = entry.where
                continue
            message = canonical(["pilot-audit/disclosure/v1", name, path, told["salt"], told["value"]])
            self.opened += 1
            if b64encode(sha256(b"\x02" + message)).decode() != committed:
                self.report.find("disclosure", entry.where, f"the value disclosed for {path} is not the one recorded")
        for path in held:
            self.report.find("disclosure", entry.where, f"{path} is disclosed, and the entry has nothing there")
        if entry.body["type"] == "disclosure.redacted":
            for change in entry.body["changes"]:
                if isinstance(change["old"], dict) and {"entry", "path"} <= set(change["old"]):
                    self.redacted.add((change["old"]["entry"], change["old"]["path"]))

    def end(self) -> None:
        for key in self.missing.keys() - self.redacted:
            self.report.find("disclosure", self.missing[key], f"{key[1]} is not disclosed, and no entry redacts it")
        if self.next is not None:
            self.report.find("disclosure", f"entry {self.next['entry']}", "disclosed for an entry that is not here")
        redacted = len(self.missing.keys() & self.redacted)
        self.report.checked.append(f"披露 disclosures: {self.opened}，依规隐去 lawfully redacted: {redacted}")


# ---- The whole ----


class Verifier:
    """One bundle against one policy."""

    def __init__(self, bundle: zipfile.ZipFile, policy: dict[str, Any], folder: Path, options: Any) -> None:
        self.bundle, self.policy, self.folder, self.report = bundle, policy, folder, Report()
        self.find, self.silent = self.report.find, self.report.silent.append
        self.checked, self.unchecked = self.report.checked.append, self.report.unchecked.append
        self.mode, verify = ed25519(options.ed25519)
        if verify is None:
            raise SystemExit("neither the package cryptography nor a usable openssl program is here")
        self.verify: Verify = verify
        named = {"all": sys.maxsize, "none": 0}
        self.limit = named[options.signatures] if options.signatures in named else int(options.signatures)
        self.origin = policy["origin"]
        self.keys = Keyring([octets(one) for one in policy.get("writer_keys", ())])
        self.names = set(bundle.namelist())
        self.manifest = json.loads(bundle.read("manifest.json"))
        self.whole = self.manifest["scope"]["kind"] == "log"
        self.ends: dict[str, tuple[int, bytes]] = {}  # last entry of each stream
        self.before: dict[str, tuple[int, bytes]] = {}  # the same among the leaves that the heads entry covers
        self.covered = self.manifest.get("heads_size") or 0
        self.heads: Entry | None = None
        self.signed_at = 0  # when the log's key signed the head, in seconds
        self.signed = self.doubtful = self.number = 0
        self.documents: list[tuple[str, Any]] = []
        self.receipts: dict[tuple[str, int], bytes] = {}
        self.key_acts: dict[int, bytes] = {}  # as the log itself tells them

    def run(self) -> int:
        if len(self.names) != len(self.bundle.namelist()):
            self.find("bundle", "zip", "a name stands in it twice")
        for entry in entries_of(self.bundle, "keys.txt", self.report):
            self.keys.heed(entry)
        acts = dict(self.keys.acts)
        self.head = self.trusted_head("checkpoint", self.origin)
        self.read_receipts()
        others = self.other_heads()
        self.tree = Tree(sha256, {head.size for _, head in others})
        second = self.trusted_head("checkpoint.sm3", f"{self.origin}/sm3") if "checkpoint.sm3" in self.names else None
        self.second = Tree(sm3, set()) if second and self.whole else None
        self.read_entries()
        if acts != self.key_acts:
            self.find("bundle", "keys.txt", "the key entries told beforehand are not those of the log")
        self.check_root(second)
        self.check_others(others)
        self.check_heads()
        self.end_receipts()
        self.check_documents()
        return self.report.end()

    # 1. heads

    def trusted_head(self, name: str, origin: str) -> Head:
        """Return the signed head, having made the way from the policy's keys to the key that signed it."""
        head = parse_head(self.bundle.read(name))
        if head is None or head.origin != origin:
            raise SystemExit(f"{name} is no checkpoint of {origin}")
        keys = [key for key in map(parse_key, self.policy["log_keys"]) if key.name == origin]
        prefix = "handovers/" if origin == self.origin else f"handovers.{name.partition('.')[2]}/"
        notes = [parse_head(self.bundle.read(one)) for one in self.names if one.startswith(prefix)]
        for note in sorted(filter(None, notes), key=lambda one: one.size):
            # a head that a trusted key signed, over a tree that tells of the next key
            if note.origin == origin and signers(note, keys, self.verify):
                fresh = [public for public, index in self.keys.log.items() if index < note.size]
                keys += [Key(origin, sha256(origin.encode() + b"\n" + bytes([kind]) + public)[:4], kind, public)
                         for public in fresh for kind in (1, 4)]  # fmt: skip
        found = signers(head, keys, self.verify)
        if not found:
            self.find("checkpoint", name, "not signed by a key that the policy trusts, or that those lead to")
        when = [str(at) for at in found.values() if at]
        self.signed_at = max(self.signed_at, *(at or 0 for at in found.values()), 0)
        self.checked(
            f"检查点 {name}: {origin} size {head.size} root {head.root.hex()}"
            f"{' signed at unix time ' + when[0] if when else ''}（可抄录留存 copy and keep it）"
        )
        return head

    def other_heads(self) -> list[tuple[str, Head]]:
        """Return the heads that this tree must extend: remembered, cosigned by witnesses, handed over."""
        found: list[tuple[str, Head]] = []
        for one in self.policy.get("remembered", ()):
            root = bytes.fromhex(one["root"]) if re.fullmatch("[0-9a-f]{64}", one["root"]) else octets(one["root"])
            found.append(("remembered", Head(self.origin, one["size"], root, "", [])))
        if not found:
            self.silent("没有抄录的检查点：退回较早的检查点可能看不出 no remembered head: a rollback may pass")
        keys = [parse_key(line) for line in self.policy.get("witnesses", ())]
        seen: dict[str, str] = {}
        for name in sorted(self.names):
            if name == "checkpoint" or name.startswith(("cosigned/", "handovers/")):
                head = parse_head(self.bundle.read(name))
                if head is None or head.origin != self.origin:
                    continue
                who = signers(head, keys, self.verify)
                if who or name.startswith("handovers/"):
                    found.append((name, head))
                seen.update({key.name: f"{key.name} size {head.size} unix time {at}" for key, at in who.items()})
        if len(seen) < self.policy.get("witnesses_needed", 0):
            self.find("witness", "checkpoint", f"{len(seen)} of {self.policy['witnesses_needed']} have signed")
        if keys:
            self.checked(f"见证 witnesses: {', '.join(seen.values()) or '无 none'}")
        else:
            self.silent("未要求见证：密钥持有者重写全部历史看不出 no witness: a rewrite by the keys' holder passes")
        return found

    # 2. entries

    def read_entries(self) -> None:
        tables = tables_of(self.bundle, self.report)
        proofs = lines_of(self.bundle, "proofs.txt")
        disclosures = Disclosures(self.bundle, self.report)
        for entry in entries_of(self.bundle, "entries.txt", self.report):
            try:
                self.check_entry(entry, next(proofs, b""))
                row = row_of(entry) if tables else None
                if disclosures.given:
                    disclosures.check(entry)
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                self.find("leaf", entry.where, f"not as an entry is: {type(error).__name__} {error}")
                row = None
            for name, rows, comparable in tables:
                given = next(rows, None)
                if row is None or given != comparable(row):
                    self.find("table", f"{name}, {entry.where}", "the row is not what the entry says")
            self.number += 1
        for name, rows, _ in tables:
            if next(rows, None) is not None:
                self.find("table", name, "rows without an entry")
        if disclosures.given:
            disclosures.end()
        else:
            self.silent("个人信息和自由文本仅有承诺值 values of persons are commitments only")
        self.checked(f"记录 entries: {self.number}；留痕 streams: {len(self.ends)}；表格 tables: "
                                   f"{', '.join(name for name, _, _ in tables) or '无 none'}")  # fmt: skip
        self.tell_signatures()

    def check_entry(self, entry: Entry, proof: bytes) -> None:
        body, find = entry.body, self.find
        if self.whole:
            if entry.place != self.tree.size:
                find("order", entry.where, f"expected index {self.tree.size}")
            self.tree.add(entry.leaf)
            if self.second:
                self.second.add(sm3(b"\x00" + entry.raw))
        else:
            index, _, path = proof.partition(b"\t")
            steps = [octets(step.decode()) for step in path.split(b",")] if path else []
            holds = included(entry.leaf, entry.place, self.head.size, steps, self.head.root)
            if index != b"%d" % entry.place or not holds:
                find("proof", entry.where, "not in the signed tree at this place")
        if body["log"] != self.origin:
            find("log", entry.where, f"this is an entry of {body['log']}")
        stream = body["stream"]
        seq, prev = self.ends.get(stream, (0, b""))
        if body["seq"] != seq + 1:
            find("order", entry.where, f"follows number {seq} of its stream")
        elif body["prev"] != (prev.hex() or ZERO):
            find("chain", entry.where, "does not continue the entry before it")
        self.ends[stream] = (body["seq"], entry.leaf)
        if entry.place < self.covered:
            self.before[stream] = self.ends[stream]
        if stream == KEYS and body["outcome"] == "success":
            self.key_acts[entry.place] = entry.leaf
            if entry.place not in self.keys.acts:
                self.keys.heed(entry)
        if stream == HEADS and body["outcome"] == "success":
            self.heads = entry  # the newest
        self.check_signature(entry, stream)
        promised = self.receipts.pop((stream, body["seq"]), None)
        if promised is not None and promised != entry.leaf:
            find("receipt", entry.where, "its receipt promises another content")
        for document in body["docs"]:
            self.documents.append((entry.where, document))

    def check_signature(self, entry: Entry, stream: str) -> None:
        if not self.keys.counts(entry):
            self.find("key", entry.where, f"signed with the key {entry.key_id}, which did not count then")
            return
        if entry.body["at"] >= self.keys.since.get(entry.key_id, "~"):
            self.doubtful += 1
        if self.signed < self.limit:
            self.signed += 1
            message = receipt_message(self.origin, stream, entry.body["seq"], entry.leaf)
            if not self.verify(self.keys.public[entry.key_id], octets(entry.signature), message):
                self.find("signature", entry.where, "the writer's signature does not hold")

    def tell_signatures(self) -> None:
        self.checked(f"写入签名 writers' signatures: {self.signed} ({self.mode})")
        if self.signed < self.number:
            self.unchecked(f"写入签名 writers' signatures of {self.number - self.signed} entries")
        if self.doubtful:
            self.unchecked(
                f"{self.doubtful}条由其后吊销的密钥在其失信期内签署 entries signed with a key not trusted then"
            )

    # 3. root, other heads, the heads entry

    def check_root(self, second: Head | None) -> None:
        if second and not self.whole:
            self.unchecked("sm3：仅整库导出可核 only a bundle of the whole log shows it")
        for tree, head in ((self.tree, self.head), (self.second, second)):
            if self.whole and tree and head and (tree.size, tree.root()) != (head.size, head.root):
                self.find("tree", head.origin, f"{tree.size} entries, {head.size} signed; the roots differ")

    def check_others(self, others: list[tuple[str, Head]]) -> None:
        proofs = json.loads(self.bundle.read("consistency.json")) if "consistency.json" in self.names else {}
        for name, head in others:
            where = f"{name}, size {head.size}"
            if head.size > self.head.size:
                self.find("rolled-back", where, f"the bundle ends at {self.head.size}")
            elif self.whole:
                if self.tree.roots.get(head.size) != head.root:
                    self.find("forked", where, "its root is not that of the first entries of this bundle")
            elif head.size and str(head.size) not in proofs and head.size < self.head.size:
                self.unchecked(f"{where}: 包内无一致性证明 no consistency proof: ask for it with --since")
                continue
            elif head.size:
                path = [octets(step) for step in proofs.get(str(head.size), ())]
                if not consistent(head.size, self.head.size, head.root, self.head.root, path):
                    self.find("forked", where, "this tree does not extend it")
            self.checked(f"衔接 extends {where}")

    def check_heads(self) -> None:
        """Hold the heads entry against the streams: that of the whole log by its root, otherwise each by its proof."""
        scope = self.manifest["scope"]
        if scope["kind"] == "project" and f"project/{scope['id']}" not in self.ends:
            self.find("bundle", f"project/{scope['id']}", "nothing of the project is here")
        if scope["kind"] == "batch":
            self.silent("批次：是否包含其全部项目，仅整库导出可核 that no project of it is left out")
        if self.heads is None:
            tell = self.silent if self.whole else self.unchecked
            tell("没有末条汇总：各留痕末尾缺失可能看不出 no heads entry: a missing tail may not show")
            return
        told = self.heads.body["changes"][0]["new"]
        root, count = octets(told["root"]), told["streams"]
        if told["size"] != self.covered:
            self.find("heads", self.heads.where, f"the bundle is proven against a head of {self.covered}")
        at = datetime.fromisoformat(self.heads.body["at"][:19] + "+00:00").timestamp()
        if self.signed_at - at > DAYS * 86_400 and not self.whole:
            self.unchecked(f"末条汇总早于检查点{DAYS}天以上 the heads entry is old: a later missing tail may not show")

        def leaf(name: str) -> bytes:
            seq, last = self.before[name]
            return sha256(b"\x00" + canonical([name, seq, last.hex()]))

        if self.whole:
            tree = Tree(sha256, set())
            for name in sorted(self.before):
                tree.add(leaf(name))
            if (tree.size, tree.root()) != (count, root):
                self.find("heads", self.heads.where, "the root over all streams' ends is another")
        else:
            proofs = json.loads(self.bundle.read("heads.json"))
            for name in sorted(self.before):
                index, path = proofs.get(name, (-1, []))
                if not included(leaf(name), index, count, [octets(step) for step in path], root):
                    self.find("heads", f"{name}, {self.heads.where}", "its end that day is not the one recorded")
            for name in proofs.keys() - self.before.keys():
                self.find("heads", f"{name}, {self.heads.where}", "entries are missing: it had some that day")
        self.checked(f"各留痕末条 heads entry of {self.heads.body['at']}: 覆盖前 covers the first {self.covered}")

    # 4. receipts, documents

    def read_receipts(self) -> None:
        for name in self.policy.get("receipts", ()):
            for number, line in enumerate((self.folder / name).read_bytes().splitlines()):
                try:
                    told = json.loads(line)
                    place, leaf, key = (told["stream"], told["seq"]), octets(told["leaf"]), told["key_id"]
                    message = receipt_message(told["origin"], *place, leaf)
                except (ValueError, KeyError, TypeError):
                    self.unchecked(f"{name} line {number + 1}: 无法读取 cannot be read")
                    continue
                if told["origin"] != self.origin:
                    continue
                if not self.verify(self.keys.public.get(key, bytes(32)), octets(told["signature"]), message):
                    self.find("receipt", f"{name} line {number + 1}", "not signed by a writer")
                elif self.receipts.setdefault(place, leaf) != leaf:
                    self.find("receipt", f"{place[0]} {place[1]}", "two receipts promise different contents")
        self.promised = len(self.receipts)
        if not self.policy.get("receipts"):
            self.silent("没有回执：最新记录被删去可能看不出 no receipts: newest entries dropped may pass")

    def end_receipts(self) -> None:
        for stream, seq in sorted(self.receipts):
            if self.whole or stream in self.ends:
                words = "acknowledged by the writer, and not in this bundle (if just written: bundle again)"
                self.find("receipt", f"{stream} {seq}", words)
        if self.promised:
            self.checked(f"回执 receipts: {self.promised}")

    def check_documents(self) -> None:
        folder, there = self.policy.get("documents"), 0
        files = sorted((self.folder / folder).iterdir()) if folder else []
        found = {path.stem: sha256(path.read_bytes()).hex() for path in files}
        for where, told in self.documents:
            name = f"{told.get('id')}-{told.get('version')}"
            there += name in found
            if name in found and found[name] != told.get("sha256"):
                self.find("document", f"{name}, {where}", "the document's hash is not the recorded one")
        self.checked(f"文件 documents: {there} / {len(self.documents)}")
        if there < len(self.documents):
            tell = self.unchecked if folder else self.silent
            tell(f"{len(self.documents) - there}份文件只有哈希 documents known by their hash only")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="核验审计日志导出包 / verify a bundle of the audit log")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--policy", type=Path, required=True, help="审计人员自己的策略文件 / the auditor's own file")
    parser.add_argument("--signatures", default="all", help="all, none, or how many from the beginning")
    parser.add_argument("--ed25519", default="auto", choices=("auto", "cryptography", "openssl"))
    options = parser.parse_args(arguments)
    verifier = None
    try:
        policy = json.loads(options.policy.read_text("utf-8"))
        with zipfile.ZipFile(options.bundle) as bundle:
            verifier = Verifier(bundle, policy, options.policy.parent, options)
            return verifier.run()
    except (Exception, SystemExit) as error:  # whatever a hostile bundle brings about: it is not verified
        print(f"未能核验 cannot be verified: {type(error).__name__}: {error}")
        found = verifier is not None and verifier.report.counts
        print(f"结论 result: {'有发现 FINDINGS' if found else '未能核验完全 INCOMPLETE'}")
        return 1 if found else 2


if __name__ == "__main__":
    sys.exit(main())
