"""Why a file is not taken, by code, in words for the person who sent it."""

from typing import Any

from lifecycle.errors import FileRefused
from states.findings import Text

REASONS = {
    "empty": Text("文件是空的", "the file is empty"),
    "unknown": Text(
        "无法按内容识别文件类型，或不收此类文件（网页、脚本、程序等）",
        "what the file is cannot be told from its content, or such files (pages, scripts, programs) are not taken",
    ),
    "format": Text("此处不收{seen}格式，可用：{allowed}", "{seen} is not taken here; taken are: {allowed}"),
    "damaged": Text("文件不完整或已损坏", "the file is not whole"),
    "ambiguous": Text(
        "文件含有另一种文件的内容，读法不唯一", "the file holds another one and could be read as two things"
    ),
    "locked": Text("文件已加密，请去除密码后上传", "the file is encrypted: take the password off"),
    "macros": Text("文件含宏或可执行内容，请另存为不含宏的格式", "the file holds macros or programs: save it without"),
    "explodes": Text("压缩内容展开后过大或文件过多", "unpacked, the file would be far too large or too many files"),
    "paths": Text("压缩包内的路径不规范", "the archive holds paths that lead elsewhere"),
}


def refused(why: str, **details: Any) -> FileRefused:
    """Return the refusal of a file for one of the reasons."""
    told = REASONS[why]
    words = {name: "、".join(value) if isinstance(value, list) else value for name, value in details.items()}
    return FileRefused(Text(told.zh.format_map(words), told.en.format_map(words)), why=why, **details)
