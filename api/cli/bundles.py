"""Commands for auditors: a bundle taken, the verifier written out, a bundle verified by that same file."""

import subprocess
import sys
import tempfile
from importlib.resources import as_file, files
from pathlib import Path
from shutil import copyfile
from typing import Annotated

import typer

from api.cli.output import REFUSED, emit, refusals, usage
from api.cli.people import AsJson, AsLogin
from api.cli.seal import log_key as log_key_of
from api.cli.seal import refuse, saying
from api.cli.session import now, open_session
from lifecycle.attempts import attempt
from lifecycle.database import open_database
from lifecycle.seal.bundle import Order, make_bundle, record_bundle
from lifecycle.seal.bundle.making import verifier as source
from lifecycle.seal.drill import rehearse_restore
from lifecycle.seal.notes import TIMED, NoteError, NoteKey, parse_vkey
from lifecycle.seal.sealer import terms_of
from lifecycle.seal.witness import NotWitnessed, cosign, deliver
from lifecycle.settings import Settings
from lifecycle.signing import KeyFileError, load_or_create_signer

VERIFIER = "verify_audit.py"


def bundle(
    out: Annotated[Path, typer.Option(help="写入的文件 / the file to write")],
    batch: Annotated[str | None, typer.Option(help="批次代码 / a batch")] = None,
    project: Annotated[str | None, typer.Option(help="项目编号 / a project, by id")] = None,
    since: Annotated[list[int] | None, typer.Option(help="抄录过的条数 / sizes copied earlier")] = None,
    view: Annotated[list[str] | None, typer.Option(help="表格，默认全部 / tables, all by default")] = None,
    disclosures: Annotated[bool, typer.Option(help="含承诺值对应的内容 / with the values of commitments")] = False,
    as_login: AsLogin = None,
    as_json: AsJson = False,
) -> None:
    """导出可离线核验的包 / write a bundle that can be verified offline: the whole log, a batch or a project."""
    if batch and project:
        usage("批次与项目只能选一", "choose a batch or a project")
    session = open_session()
    order = Order(
        "batch" if batch else "project" if project else "log",
        batch or project,
        tuple(since or ()),
        tuple(view) if view else None,
        disclosures,
    )
    with refusals(as_json):
        caller = session.caller(as_login)
        with attempt(session.database, session.log, caller, ("audit", order.kind), "take_bundle") as tx:
            made, receipt = record_bundle(tx, session.log, session.settings.tiles, caller, order)
    draft = out.with_name(f"{out.name}.part")
    with session.database.reading() as tx, draft.open("wb") as file:
        file.writelines(make_bundle(tx, made))
    draft.replace(out)
    answer = {
        **{"file": str(out), "bytes": out.stat().st_size, "size": made.head.size, "root": made.head.root.hex()},
        "receipt": receipt.to_dict(),
    }
    words = f"{out}: {made.head.size}条 entries, {made.head.root.hex()}"
    emit(answer, as_json, lambda console: console.print(words))


def verifier(out: Annotated[Path, typer.Option(help="写入的文件 / the file to write")] = Path(VERIFIER)) -> None:
    """写出核验程序（单个文件，不依赖本系统） / write the verifier: one file that needs nothing of ours."""
    out.write_bytes(source())
    print(out)


def verify(
    bundle_file: Annotated[Path, typer.Argument(metavar="BUNDLE", help="导出包 / the bundle")],
    policy: Annotated[Path, typer.Option(help="核验策略 / the auditor's own policy")],
    signatures: Annotated[str, typer.Option(help="all, none, or how many")] = "all",
    ed25519: Annotated[str, typer.Option(help="auto, cryptography, openssl")] = "auto",
) -> None:
    """以同一核验程序核验导出包 / verify a bundle by that same file; exit code 0 clean, 1 findings, 2 incomplete."""
    with as_file(files("lifecycle.seal.verifier").joinpath(VERIFIER)) as program:
        command = [sys.executable, str(program), str(bundle_file), "--policy", str(policy)]
        done = subprocess.run([*command, "--signatures", signatures, "--ed25519", ed25519], check=False)
    raise typer.Exit(done.returncode)


def witness(
    folder: Annotated[Path, typer.Option(help="公布的目录 / the published folder")],
    log_key: Annotated[list[str], typer.Option(help="日志公钥 / the log's public key, name+id+base64")],
    name: Annotated[str, typer.Option(help="见证人名称 / the witness's name")],
    state: Annotated[Path, typer.Option(help="见证人自己的记忆 / the witness's own memory")],
    key: Annotated[Path, typer.Option(help="见证人私钥，首次运行时生成 / the witness's key, made at first use")],
    deliver_to: Annotated[bool, typer.Option("--deliver", help="存入公布的目录 / put it into the folder")] = False,
    as_json: AsJson = False,
) -> None:
    """见证：核对检查点是否延续上次所见，并签名 / sign the published head where it extends the one signed before."""
    try:
        keys = [parse_vkey(line) for line in log_key]
        signer = load_or_create_signer(key)
        head, note = cosign(folder, keys, state, signer, name, now())
    except NotWitnessed as refused:
        refuse(refused.text, as_json, "not-witnessed")
    except (NoteError, KeyFileError, FileNotFoundError) as error:
        usage("见证设置有误", str(error))
    if deliver_to:
        deliver(folder, name, note)
    told = {"origin": head.origin, "size": head.size, "root": head.root.hex(), "note": note.to_bytes().decode()}
    own = {"key": NoteKey(name, TIMED, signer.public_key).vkey}
    if as_json:
        emit({**told, **own}, as_json, None)
    else:
        sys.stdout.write(str(told["note"]))  # exactly the note, to be kept or sent


def restore_drill(
    bundle_file: Annotated[Path, typer.Argument(metavar="BUNDLE", help="整库导出包 / a bundle of the whole log")],
    backup: Annotated[Path | None, typer.Option(help="SQLite备份文件 / a backup, SQLite")] = None,
    restored: Annotated[str | None, typer.Option(help="由备份恢复的演练库 / address of a restored copy")] = None,
    as_json: AsJson = False,
) -> None:
    """恢复演练：只动副本 / rehearse a restore on a copy; exit code 1 where the sealer goes on, or the tree lacks."""
    settings = Settings()
    if (backup is None) == (restored is None) or restored == settings.url:
        usage(
            "请给出备份文件或演练库地址，不得为现用数据库", "give a backup or a restored copy, never the live database"
        )
    with tempfile.TemporaryDirectory(prefix="pilot-drill-") as place, saying(as_json):
        folder = Path(place)
        if backup is not None:
            copyfile(backup, folder / "pilot.sqlite3")
        url = restored or f"sqlite:///{folder / 'pilot.sqlite3'}"
        copy = open_database(Settings(database_url=url, data_dir=folder))  # anew: a copied one keeps the live address
        drill = rehearse_restore(copy, bundle_file, terms_of(settings), log_key_of(settings), folder, now())
        copy.close()
    lines = [
        f"备份已封存 sealed in the backup: {drill.restored}；已签署 signed: {drill.signed}",
        f"封存是否停止 did the sealer halt: {drill.halted or '否 NO'}",
        f"补入 brought in: {drill.imported}；演练后一致 holds again: {drill.holds}",
        f"须由留痕重建的业务数据 rows to be rebuilt from the log: {len(drill.behind) + len(drill.missing)}",
        f"备份中未封存且不在包内 in neither tree nor bundle: {len(drill.strangers)}",
    ]
    emit(drill.to_dict(), as_json, lambda console: console.print("\n".join(lines)))
    if not drill.holds or (drill.restored < drill.signed and drill.halted is None):
        raise typer.Exit(REFUSED)
