"""What a use case raises when it cannot do what was asked. Only the edges catch these."""

from collections.abc import Mapping, Sequence
from typing import Any

from lifecycle.signing import Receipt
from states.facts import Actor
from states.findings import Finding, Text


class Refusal(Exception):
    """An act that was not done. `code` names the problem page; `outcome` is how the log calls the attempt."""

    code = "refused"
    outcome = "denied"
    title = Text("不予办理", "Refused")

    def __init__(self, text: Text, **details: Any) -> None:
        """Take what to tell the person, and details as JSON values."""
        super().__init__(text.en)
        self.text = text
        self.details: Mapping[str, Any] = details
        self.receipts: Sequence[Receipt] = ()  # of the entry that tells the attempt
        self.remembered = False  # the answer to an earlier, same request: not a new attempt

    def to_dict(self) -> dict[str, Any]:
        """Return the refusal as JSON values."""
        return {"kind": type(self).__name__, "text": list(self.text), "details": dict(self.details)}


class NotFound(Refusal):
    """There is no such thing, or it lies outside the caller's reach: the two look alike on purpose."""

    code = "not-found"
    title = Text("未找到", "Not found")


class Forbidden(Refusal):
    """The caller's role or scope does not allow this."""

    code = "forbidden"
    title = Text("无权办理", "Not permitted")


class SamePerson(Forbidden):
    """The act takes another person than the one who did its first half; the log says so, for the auditor."""


class RulesUnmet(Refusal):
    """At least one rule refuses the act; all findings are given, met ones too."""

    code = "rules-unmet"
    title = Text("不符合规定", "Rules are not met")

    def __init__(self, text: Text, findings: Sequence[Finding], **details: Any) -> None:
        """Take all findings of the decision."""
        super().__init__(text, findings=[finding.to_dict() for finding in findings], **details)
        self.findings = tuple(findings)


class NotOffered(RulesUnmet):
    """The project's state does not offer the act."""

    code = "not-offered"
    title = Text("当前状态不可办理", "Not offered in this state")


class NotPermitted(RulesUnmet):
    """The act is for another role, another city or another unit."""

    code = "forbidden"
    title = Text("无权办理", "Not permitted")


class Conflict(Refusal):
    """Somebody else was first; the details name the winner's act."""

    code = "conflict"
    outcome = "failed"
    title = Text("已被他人先行办理", "Somebody else was first")


class TooSoon(Refusal):
    """A limit on how often was reached; the details say from when on it is possible again."""

    code = "too-soon"
    title = Text("未到可再次办理的时间", "Too soon to do this again")


class PreviewStale(Refusal):
    """Something changed between the preview and its commit."""

    code = "preview-stale"
    outcome = "failed"
    title = Text("预览后情况已变化", "The preview is out of date")


class KeyReused(Refusal):
    """The Idempotency-Key was used for another request."""

    code = "idempotency-key-reused"
    outcome = "failed"
    title = Text("幂等键已用于其他请求", "The Idempotency-Key was used for another request")


class Unreadable(Refusal):
    """The request or file cannot be read as what it should be."""

    code = "unreadable"
    outcome = "failed"
    title = Text("内容无法读取", "Cannot be read")


class FileRefused(Refusal):
    """The file is not one that is taken: its content says so, whatever its name does. `why` is a code."""

    code = "file-refused"
    outcome = "failed"
    title = Text("不收此文件", "This file is not taken")


class FileTooLarge(Refusal):
    """The file is larger than the house or the batch takes."""

    code = "too-large"
    outcome = "failed"
    title = Text("内容过大", "Too large")


class FileUnavailable(Refusal):
    """The file store does not give the file back, or gives back something else."""

    code = "file-unavailable"
    outcome = "failed"
    title = Text("文件暂不可用", "The file is not available")


class ImportRefused(Refusal):
    """The workbook has errors; nothing was imported."""

    code = "import-refused"
    outcome = "failed"
    title = Text("导入未完成", "Nothing was imported")


class ListRefused(Refusal):
    """A list that a unit or officer handed in has faults; nothing of it was kept."""

    code = "list-refused"
    outcome = "failed"
    title = Text("明细有误，未保存", "The list has faults, nothing was kept")


class LogBroken(Refusal):
    """What was asked for would have to be rebuilt from log entries, and these do not hold together."""

    code = "log-broken"
    outcome = "failed"
    title = Text("留痕不完整，无法还原", "The log does not hold together")


class Busy(Refusal):
    """The row is held by another act for longer than the lock's limit; nothing was done, try again."""

    code = "busy"
    outcome = "failed"
    title = Text("系统繁忙，请稍后重试", "Busy, try again")


class CallerChanged(Exception):
    """A token is not, or no longer, that of the actor it was taken for; `actor` is whose it is, if anybody's."""

    def __init__(self, actor: Actor | None) -> None:
        """Take the actor whose token it is now."""
        super().__init__("another caller than was thought")
        self.actor = actor


def remembered_refusal(answer: Mapping[str, Any]) -> Refusal:
    """Return a refusal from the form in which it was kept as the first answer to a request."""
    kind = next(kind for kind in kinds_of(Refusal) if kind.__name__ == answer["kind"])
    refusal = kind.__new__(kind)
    Refusal.__init__(refusal, Text(*answer["text"]), **answer["details"])
    refusal.remembered = True
    return refusal


def kinds_of(kind: type[Refusal]) -> list[type[Refusal]]:
    """Return a kind of refusal and all kinds below it."""
    return [kind, *(found for child in kind.__subclasses__() for found in kinds_of(child))]
