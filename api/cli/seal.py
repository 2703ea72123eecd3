"""What commands about the seal share: the log's key, and how a halt is said."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from rich.console import Console

from api.cli.output import REFUSED, emit, escape, usage
from lifecycle.seal.halts import Halted
from lifecycle.seal.merkle import SuiteMissing
from lifecycle.seal.state import SealerBusy
from lifecycle.settings import Settings
from lifecycle.signing import FileSigner, KeyFileError, load_signer
from states.findings import Text


def log_key(settings: Settings) -> FileSigner:
    """Return the log's key; without one, say so and leave."""
    try:
        return load_signer(settings.log_key)
    except FileNotFoundError:
        usage(
            f"没有日志密钥{settings.log_key}；首次封存时生成",
            f"there is no log key {settings.log_key}: the first pass of the sealer makes it",
        )


@contextmanager
def saying(as_json: bool) -> Iterator[None]:
    """Print why the sealer halts or cannot begin, and leave with exit code 1."""
    try:
        yield
    except Halted as halted:
        refuse(halted.text, as_json, halted.cause)
    except SealerBusy as busy:
        refuse(Text("另一封存程序正在运行", str(busy)), as_json, "busy")
    except (SuiteMissing, KeyFileError, ValueError) as error:
        usage("封存设置有误", str(error))


def refuse(text: Text, as_json: bool, cause: str = "refused") -> NoReturn:
    """Print why something about the seal was not done, and leave with exit code 1."""
    if as_json:
        emit({"refused": cause, "detail": {"zh": text.zh, "en": text.en}}, as_json, None)
    else:
        Console(stderr=True, soft_wrap=True).print(escape(f"{text.zh}\n{text.en}"))
    raise typer.Exit(REFUSED)
