"""An auditor: takes bundles, keeps a policy, and runs the verifier as anybody would, without anything of ours."""

import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lifecycle.audit import Log
from lifecycle.callers import Caller, Source
from lifecycle.database import Database
from lifecycle.seal.bundle import Order, make_bundle, record_bundle
from lifecycle.seal.bundle.making import verifier
from lifecycle.seal.heads import keys_of_log
from lifecycle.seal.sealer import SealTerms
from lifecycle.signing import FileSigner
from states.roles import actor_of
from tests.lifecycle.seal.sealers import NOW, ORIGIN

PACKAGES = next(path for path in map(Path, sys.path) if (path / "cryptography").is_dir())
# Isolated: neither the environment, nor the folder, nor the site's packages are seen by the interpreter.
BARE = (sys.executable, "-I", "-S", "-B")
WITH_CRYPTOGRAPHY = (*BARE, "-c", f"import sys,runpy;sys.path.append({str(PACKAGES)!r});sys.argv=sys.argv[1:];"
                     "runpy.run_path(sys.argv[0],run_name='__main__')")  # fmt: skip


@dataclass
class Verified:
    """How the verifier left, and what it printed."""

    code: int
    text: str

    @property
    def found(self) -> set[str]:
        """Return the kinds of findings."""
        return {line[1:].partition("]")[0] for line in self.text.splitlines() if line.startswith("[")}


@dataclass
class Auditor:
    """Keeps what an auditor keeps: the verifier, the public keys, and whatever else the policy names."""

    folder: Path
    log: Log
    signer: FileSigner
    policy: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "verify_audit.py").write_bytes(verifier())
        keys = [key.vkey for key in keys_of_log(ORIGIN, self.signer.public_key)]
        keys += [key.vkey for key in keys_of_log(f"{ORIGIN}/sm3", self.signer.public_key)]
        writer = b64encode(self.log.signer.public_key).decode()
        self.policy = {"origin": ORIGIN, "log_keys": keys, "writer_keys": [writer], **self.policy}

    def verify(self, bundle: Path, *arguments: str, openssl: bool = False) -> Verified:
        """Run the verifier in an interpreter that knows the standard library only, or `cryptography` beside it."""
        policy = self.folder / "policy.json"
        policy.write_text(json.dumps(self.policy), "utf-8")
        mode = ("--ed25519", "openssl" if openssl else "cryptography")
        interpreter: Sequence[str] = BARE if openssl else WITH_CRYPTOGRAPHY
        command = [
            *interpreter,
            str(self.folder / "verify_audit.py"),
            str(bundle),
            "--policy",
            str(policy),
            *mode,
            *arguments,
        ]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, cwd=self.folder)
        assert done.stderr == "", done.stderr
        return Verified(done.returncode, done.stdout)


def auditor_caller(now: datetime = NOW) -> Caller:
    """Return the auditor as a caller of ours."""
    return Caller(actor_of("auditor", "auditor"), Source("test"), now)


def take(database: Database, log: Log, terms: SealTerms, to: Path, **order: Any) -> Path:
    """Take a bundle into a file."""
    with database.transaction() as tx:
        bundle, _ = record_bundle(tx, log, terms.folder, auditor_caller(), Order(**order))
    with database.reading() as tx, to.open("wb") as file:
        file.writelines(make_bundle(tx, bundle))
    return to
