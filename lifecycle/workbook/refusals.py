"""What the Excel exchange says when something is wrong: of the whole file, of one cell, of one text."""

from dataclasses import dataclass, field

from states.findings import Text

SHOWN_LENGTH = 80
LISTED = 200


class WorkbookRefused(Exception):
    """The file as a whole was not taken (or not written); the text says what to do about it."""

    def __init__(self, code: str, text: Text) -> None:
        """Take a code for programs and a sentence for people."""
        super().__init__(f"{text.zh} / {text.en}")
        self.code = code
        self.text = text


class Unclean(ValueError):
    """One value is not what its column asks for."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        """Take a code for programs and a sentence in both languages."""
        super().__init__(f"{zh} / {en}")
        self.code = code
        self.text = Text(zh, en)


@dataclass(frozen=True, slots=True)
class CellError:
    """A fault, or a warning, at one cell. `row` counts as Excel does; `column` is its letter, or empty."""

    sheet: str
    row: int
    column: str
    header: str
    code: str
    message: Text
    value: str = ""


@dataclass(slots=True)
class Faults:
    """The faults of one kind found so far: the first 200 are kept, the others counted."""

    sheet: str
    listed: list[CellError] = field(default_factory=list)
    left_off: int = 0

    def add(self, row: int, column: str, header: str, code: str, text: Text, value: str = "") -> None:
        """Note one fault at a cell, its value cut to what a list can show."""
        if len(self.listed) >= LISTED:
            self.left_off += 1
            return
        shown = value if len(value) <= SHOWN_LENGTH else value[: SHOWN_LENGTH - 1] + "…"
        self.listed.append(CellError(self.sheet, row, column, header, code, text, shown))
