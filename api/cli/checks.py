"""Commands that prove things: model-check the definitions, rehearse a whole batch."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from api.cli.output import REFUSED, emit, escape, progress, usage
from api.cli.people import AsJson
from lifecycle import schema
from lifecycle.audit import Log
from lifecycle.database import open_database
from lifecycle.rehearsal import rehearse as play
from lifecycle.rehearsal import render
from lifecycle.settings import Settings
from lifecycle.signing import load_or_create_signer
from states.checker import Report, check_all, check_texts
from states.story import bundled_stories

Files = Annotated[
    list[Path] | None, typer.Argument(exists=True, dir_okay=False, help="定义或规则文件；不给则检验自带的 / TOML files")
]


def check(files: Files = None, as_json: AsJson = False) -> None:
    """检验流程定义、规则和提醒方案：穷举证明 / model-check definitions, policies, plans; exit code 1 on a fault."""
    report = _check_files(files) if files else check_all()
    answer = {
        "sound": report.sound,
        "faults": {
            name: [
                {"code": fault.code, "place": fault.place, "zh": fault.text("zh"), "en": fault.text("en")}
                for fault in faults
            ]
            for name, faults in report.faults.items()
        },
        "explored": {
            name: {mode: walked._asdict() for mode, walked in modes.items()} for name, modes in report.explored.items()
        },
    }
    emit(answer, as_json, lambda console: _show(console, report))
    if not report.sound:
        raise typer.Exit(REFUSED)


def rehearse(
    story: Annotated[str | None, typer.Option(help="演练脚本 / name of the story")] = None,
    lang: Annotated[str, typer.Option(help="zh 或 en")] = "zh",
    as_json: AsJson = False,
) -> None:
    """在临时库中演练一个批次的全过程 / play a whole batch in a scratch database; exit code 1 where a promise breaks."""
    stories = bundled_stories()
    name = story or next(iter(stories))
    if name not in stories:
        usage(f"没有演练脚本{name}；现有：{'、'.join(stories)}", f"no story {name}")
    if lang not in ("zh", "en"):
        usage("语言应为zh或en", "the language is zh or en")
    with tempfile.TemporaryDirectory(prefix="pilot-rehearsal-") as folder:
        settings = Settings(data_dir=Path(folder), database_url=None, writer_key_file=None)
        database = open_database(settings)
        schema.upgrade(database)
        log = Log(settings.origin, load_or_create_signer(settings.writer_key))
        with progress("演练 rehearsing", len(stories[name].steps), as_json) as step:
            done = play(database, log, stories[name], lambda *_: step())
        database.close()
    emit(done.to_dict(), as_json, lambda console: console.print(escape(render(done, "zh" if lang == "zh" else "en"))))
    if done.violations:
        raise typer.Exit(REFUSED)


def _check_files(files: list[Path]) -> Report:
    texts = {path.name: path.read_text("utf-8") for path in files}
    policies = {name: text for name, text in texts.items() if "[policy]" in text}
    plans = {name: text for name, text in texts.items() if "[plan]" in text}
    rest = {name: text for name, text in texts.items() if name not in {*policies, *plans}}
    return check_texts(rest, policies, plans)


def _show(console: Console, report: Report) -> None:
    for name, modes in report.explored.items():
        walked: Any = "；".join(f"{mode} {done.states}个组合状态 {done.arrows}步" for mode, done in modes.items())
        console.print(escape(f"{name}: {walked}"))
    for name, faults in report.faults.items():
        console.print(escape(f"{name}: {'通过 sound' if not faults else f'{len(faults)}处错误 faults'}"))
        for fault in faults:
            console.print(escape(f"  [{fault.code}] {fault.text('zh')}\n  {fault.text('en')}"))
