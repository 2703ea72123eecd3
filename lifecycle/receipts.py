"""The receipts file: every receipt of a committed act, one JSON line each, kept outside the database.

Whoever empties the newest entries out of the database cannot empty this file too, unless the machine is theirs as well.
"""

import atexit
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import orjson
import structlog

from lifecycle.seal.durable import make_folder, sync_folder
from lifecycle.signing import Receipt

MODE = 0o640
WITHIN = 1.0  # seconds until a line is forced to the disk, where acts do not wait for it

_log = structlog.get_logger("pilot.receipts")


class ReceiptsFile:
    """A file that only grows; several processes of one machine may share it, since each line is one write at its end.

    The lines are with the operating system before `keep` returns, so that no crash of the process loses one. They are
    on the disk then too (`each`: one flush serves all who wait), or within a second.
    """

    def __init__(self, path: Path, *, each: bool = False) -> None:
        """Take where it lies; it is made when the first receipt comes."""
        self.path = path
        self.each = each
        self.fault: str | None = None  # why the last receipts could not be kept
        self._writing, self._syncing = threading.Lock(), threading.Lock()
        self._file: int | None = None
        self._name, self._inode = str(path), 0
        self._torn = False  # the last line was cut short: the next begins a new one
        self._written = self._synced = 0
        self._timer: threading.Timer | None = None

    def keep(self, receipts: Sequence[Receipt]) -> None:
        """Append receipts. A file that cannot be written undoes no act: it is logged, and readiness tells it."""
        try:
            number = self._write(b"".join(line_of(receipt) for receipt in receipts))
            if self.each:
                self._sync(number)
            self.fault = None
        except OSError as error:
            self.fault = f"{type(error).__name__}: {error.strerror}"
            _log.error("receipts_not_kept", file=str(self.path), fault=self.fault, number=len(receipts))

    def close(self) -> None:
        """Force what was written to the disk and close the file; a later receipt opens it again."""
        with self._writing:
            file, self._file, timer, self._timer = self._file, None, self._timer, None
        if timer:
            timer.cancel()
        if file is not None:
            atexit.unregister(self.close)
            with self._syncing:
                os.fdatasync(file)
                os.close(file)

    def _write(self, lines: bytes) -> int:
        """Write at the end, and return how many writes there have been."""
        with self._writing:
            file, left = self._open(), (b"\n" + lines if self._torn else lines)
            self._torn = True
            while left:
                left = left[os.write(file, left) :]
            self._torn = False
            self._written += 1
            if not self.each and self._timer is None:
                self._timer = threading.Timer(WITHIN, self._sync_later)
                self._timer.daemon = True
                self._timer.start()
            return self._written

    def _open(self) -> int:
        """Return the open file; one that was moved away, by whoever keeps old ones, is left and a new one made."""
        if self._file is not None:
            try:
                if os.stat(self._name).st_ino == self._inode:  # noqa: PTH116 - Path.stat costs three times as much
                    return self._file
            except FileNotFoundError:
                pass
            os.close(self._file)
            atexit.unregister(self.close)
        make_folder(self.path.parent)
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, MODE)
        self._inode = os.fstat(self._file).st_ino
        sync_folder(self.path.parent)
        atexit.register(self.close)
        return self._file

    def _sync(self, number: int) -> None:
        """Force the first `number` writes to the disk; who comes while another does it finds it done."""
        with self._syncing:
            if self._synced >= number:
                return
            with self._writing:
                file, written = self._file, self._written
            if file is not None:
                os.fdatasync(file)
                self._synced = written

    def _sync_later(self) -> None:
        with self._writing:
            self._timer, written = None, self._written
        try:
            self._sync(written)
        except OSError as error:
            self.fault = f"{type(error).__name__}: {error.strerror}"
            _log.error("receipts_not_kept", file=str(self.path), fault=self.fault)


def line_of(receipt: Receipt) -> bytes:
    """Return a receipt as a line of the file, and of the header that carries it."""
    return orjson.dumps(receipt.to_dict()) + b"\n"
