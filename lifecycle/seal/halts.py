"""Why a sealer halts, in words for people: what it found, and what to do."""

from typing import Any

from states.findings import Text

WORDS = {
    "state-unreadable": Text(
        "封存状态文件{file}不是本日志密钥签署的检查点（{error}）。请核对密钥和日志名称，或以已公布的检查点文件恢复该文件",
        "{file} is no checkpoint signed by this log's key ({error}). Check key and origin, or put the published "
        "checkpoint in its place",
    ),
    "state-missing": Text(
        "已有封存的记录或已公布的检查点，但封存状态文件{file}不存在。请以最近公布的检查点文件恢复该文件",
        "entries are sealed or a checkpoint is published, and {file} is missing. Put the latest published checkpoint "
        "in its place",
    ),
    "state-older": Text(
        "封存状态文件{file}（{size}条）旧于已公布的检查点（{other}条）。请以已公布的检查点文件恢复该文件",
        "{file} ({size} entries) is older than the published checkpoint ({other}). Put the published checkpoint in its "
        "place",
    ),
    "rolled-back": Text(
        "数据库中已封存{other}条，而已签署的检查点为{size}条：数据库可能由较早的备份恢复。"
        "请勿删除状态文件；查明原因，恢复较新的备份，或由已公布的内容补回缺失的记录",
        "the database has {other} sealed entries, and a checkpoint of {size} was signed: it may come from an older "
        "backup. Keep the state file; find out why, restore a newer backup, or bring the missing entries back from "
        "what was published",
    ),
    "forked": Text(
        "数据库中前{size}条封存记录与已签署的检查点不一致：封存数据被改动，或恢复备份后又封存了别的记录。"
        "请保全数据库和状态文件，查明原因后恢复一致的备份",
        "the first {size} sealed entries are not those of the signed checkpoint: sealed data were changed, or others "
        "were sealed after a backup was restored. Keep database and state file as they are, find out why, and restore "
        "a backup that agrees",
    ),
    "tree-broken": Text(
        "封存树的数据不完整（{error}）。请保全数据库，查明原因后恢复一致的备份",
        "rows of the tree are missing ({error}). Keep the database as it is, find out why, and restore a backup that "
        "agrees",
    ),
    "published-unreadable": Text(
        "{file}不是本日志密钥签署的检查点（{error}）。请核对公布目录、密钥和日志名称",
        "{file} is no checkpoint signed by this log's key ({error}). Check the folder, the key and the origin",
    ),
    "published-differs": Text(
        "已公布的文件{file}与数据库不一致。请查明两者何者被改动，再移走有误的文件",
        "{file} was published with other content than the database has. Find out which was changed, then move the "
        "wrong file away",
    ),
}
UNSIGNED = Text("封存已停止，不再签署", "the sealer has halted and signs nothing")
UNPUBLISHED = Text("已签署，但公布已停止", "the tree is signed, but publishing has halted")


class Halted(Exception):
    """The sealer refuses to go on: the tree does not agree with what was signed or published; `cause` says how."""

    def __init__(self, cause: str, **words: Any) -> None:
        """Take the case and what its text names."""
        zh, en = (text.format(**words) for text in WORDS[cause])
        self.cause = cause
        head = UNPUBLISHED if cause == "published-differs" else UNSIGNED
        self.text = Text(f"{head.zh}：{zh}", f"{head.en}: {en}")
        super().__init__(self.text.en)
