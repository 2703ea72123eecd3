"""Commands about the log's keys: shown, introduced, retired, revoked, replaced; each change is an entry."""

import json
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.output import emit, refusals, table, usage
from api.cli.people import AsJson, AsLogin
from api.cli.seal import log_key, saying
from api.cli.session import Session, now, open_session
from lifecycle.attempts import attempt
from lifecycle.audit import Log
from lifecycle.callers import Caller
from lifecycle.seal.heads import keys_of_log, origin_of
from lifecycle.seal.keyring import Told, Use, told
from lifecycle.seal.rotation import NotSealedYet, hand_over, introduce, retire
from lifecycle.seal.sealer import SealTerms, seal_once, terms_of
from lifecycle.signing import FileSigner, Receipt, create_key_file, load_signer

keys = typer.Typer(help="密钥 / the log's keys", invoke_without_command=True)
UseOption = Annotated[Use, typer.Option(help="用途：writer 记录，log 封存 / what it signs")]
Key = Annotated[str, typer.Argument(help="公钥（base64） / public key")]
Reason = Annotated[str, typer.Option(help="理由 / why")]


@keys.callback()
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """显示公钥和密钥变动 / print the public keys, and what the log says of keys."""
    if context.invoked_subcommand is None:
        session = open_session()
        rows, acts = _rows(session), _acts(session)
        answer = {
            "keys": [{"use": use, "key": key} for use, key in rows],
            "acts": [{"kind": one.act.kind, "use": one.act.use, "key_id": one.act.key_id, "at": one.at,
                      "since": one.act.since, "index": one.index, "entry": one.entry} for one in acts],
        }  # fmt: skip

        def render(console: Any) -> None:
            table(console, ("用途 use", "公钥 public key"), rows)
            told_rows = [(one.at, one.act.kind, one.act.use, one.act.key_id, one.index) for one in acts]
            if told_rows:
                table(console, ("时间 at", "变动 act", "用途 use", "密钥 key", "封存序号 index"), told_rows)

        emit(answer, as_json, render)


@keys.command("policy")
def policy() -> None:
    """输出核验策略样本，由审计人员核对后自行保管 / print a policy for the verifier; an auditor checks and keeps it."""
    session = open_session()
    rows = _rows(session)
    answer = {
        "origin": session.settings.origin,
        "log_keys": [key for use, key in rows if use == "log"],
        "writer_keys": [key.split(" ")[1] for use, key in rows if use == "writer"],
        "witnesses": [],
        "witnesses_needed": 0,
        "remembered": [],
        "receipts": [],
        "documents": None,
    }
    print(json.dumps(answer, ensure_ascii=False, indent=2))


@keys.command("introduce")
def introduce_key(key: Key, use: UseOption = "writer", as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """启用另一台机器的公钥 / let another machine's public key count from now on."""
    session = open_session()
    with refusals(as_json):
        caller = session.caller(as_login)
        receipt = _introduce(session, session.log, caller, use, _octets(key))
    _say(receipt, as_json, f"已启用 introduced: {key}")


@keys.command("retire")
def retire_key(
    key: Key, reason: Reason, use: UseOption = "writer", as_login: AsLogin = None, as_json: AsJson = False
) -> None:
    """停用公钥 / let a key count no longer, once no process uses it and what it signed is sealed."""
    _retire(key, reason, use, as_login, as_json, None)


@keys.command("revoke")
def revoke_key(
    key: Key,
    reason: Reason,
    since: Annotated[datetime, typer.Option(help="自何时起不可信（UTC） / not to be trusted from then on")],
    use: UseOption = "writer",
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """吊销公钥 / revoke a key: what it signed since then is not vouched for."""
    _retire(key, reason, use, as_login, as_json, since.replace(tzinfo=UTC))


@keys.command("rotate-writer")
def rotate_writer(as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """更换记录密钥 / make the next writer key, introduce it by the present one, and put it in its place."""
    session = open_session()
    path = session.settings.writer_key
    old = load_signer(path)
    with refusals(as_json), saying(as_json):
        caller = session.caller(as_login)
        following, draft = _next(path)
        log, receipt = Log(session.settings.origin, old), None
        if not _counts(session, following):
            receipt = _introduce(session, log, caller, "writer", following.public_key)
        _replace(path, draft, old)
    _say(
        receipt,
        as_json,
        "已更换；请重启各服务进程，待旧密钥所签记录全部封存后停用旧密钥 / "
        "replaced: restart the service's processes, and retire the old key once what it signed is sealed:\n"
        f"pilot audit keys retire {_text(old)} --reason …",
    )


@keys.command("rotate-log")
def rotate_log(as_login: AsLogin = None, as_json: AsJson = False) -> None:
    """更换封存密钥（先停止封存进程） / replace the log's key; stop the sealer first."""
    session = open_session()
    path = session.settings.log_key
    with refusals(as_json), saying(as_json):
        old, terms = log_key(session.settings), terms_of(session.settings)
        caller = session.caller(as_login)
        following, draft = _next(path)
        receipt = None
        if not _counts(session, following):
            receipt = _introduce(session, session.log, caller, "log", following.public_key)
        _seal(session, old, terms)
        try:
            head = hand_over(session.database, old, following, terms, now())
        except NotSealedYet as error:
            usage("新密钥的记录尚未封存，请先处理封存问题", str(error))
        _replace(path, draft, old)
    size = head.head.size
    _say(receipt, as_json, f"已更换，自{size}条起由新密钥签署 / replaced: the next key signs from size {size} on")


def _retire(key: str, reason: str, use: Use, as_login: str | None, as_json: bool, since: datetime | None) -> None:
    session = open_session()
    with refusals(as_json):
        caller = session.caller(as_login)
        with attempt(session.database, session.log, caller, ("system", "keys"), "retire_key") as tx:
            receipt = retire(tx, session.log, caller, use, _octets(key), reason, since)
    _say(receipt, as_json, f"已停用 retired: {key}")


def _introduce(session: Session, log: Log, caller: Caller, use: Use, public_key: bytes) -> Receipt:
    with attempt(session.database, log, caller, ("system", "keys"), "introduce_key") as tx:
        return introduce(tx, log, caller, use, public_key)


def _seal(session: Session, signer: FileSigner, terms: SealTerms) -> None:
    while seal_once(session.database, signer, terms, now()).more:
        pass


def _next(path: Path) -> tuple[FileSigner, Path]:
    """Return the next key from the file beside the present one, making it where an earlier attempt has not."""
    draft = path.with_name(f"{path.name}.next")
    if not draft.exists():
        create_key_file(draft)
    return load_signer(draft), draft


def _counts(session: Session, following: FileSigner) -> bool:
    """Say whether an earlier attempt, which ended before the files were changed, has introduced the key."""
    return any(one.act.public_key == following.public_key for one in _acts(session))


def _replace(path: Path, draft: Path, old: FileSigner) -> None:
    """Put the next key in the present one's place; the old one stays beside it until somebody destroys it."""
    kept = path.with_name(f"{path.name}.{old.key_id}")
    if not kept.exists():
        kept.hardlink_to(path)
    draft.replace(path)


def _rows(session: Session) -> Sequence[tuple[str, str]]:
    settings = session.settings
    with saying(as_json=False):
        terms, public = terms_of(settings), log_key(settings).public_key
    rows = [
        (use, key.vkey)
        for suite in terms.suites
        for use, key in zip(("log", "log-dated"), keys_of_log(origin_of(settings.origin, suite), public), strict=True)
    ]
    with session.database.reading() as tx:
        writers = terms.writers.heeding(one.act for one in told(tx))
    rows += [("writer", f"{name} {b64encode(key).decode()}") for name, key in writers.public_keys.items()
             if name not in writers.ended]  # fmt: skip
    return rows


def _acts(session: Session) -> list[Told]:
    with session.database.reading() as tx:
        return told(tx)


def _octets(key: str) -> bytes:
    try:
        return b64decode(key, validate=True)
    except (NotBase64, ValueError):
        usage("公钥应为base64", "a public key is given in base64")


def _text(signer: FileSigner) -> str:
    return b64encode(signer.public_key).decode("ascii")


def _say(receipt: Receipt | None, as_json: bool, words: str) -> None:
    answer = {"receipt": receipt.to_dict() if receipt else None}
    emit(answer, as_json, lambda console: console.print(words))
