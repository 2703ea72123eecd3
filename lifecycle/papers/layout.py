"""The page of an official paper (GB/T 9704): A4, margins, typefaces and sizes, headings, tables, boxes, page numbers.

The typefaces are those that offices have; a machine without one takes what the font table names in its place.
"""

from collections.abc import Sequence
from copy import deepcopy
from io import BytesIO
from typing import Any

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_ALIGN_VERTICAL, WD_ROW_HEIGHT_RULE, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from lifecycle.papers.positions import Position
from lifecycle.papers.sameness import same_bytes

SONG, HEI, KAI, FANG = "方正小标宋简体", "黑体", "楷体_GB2312", "仿宋_GB2312"
INSTEAD = {  # what a machine without the typeface takes
    SONG: "FZXiaoBiaoSong-B05S,华文中宋,SimSun,Noto Serif CJK SC",
    HEI: "SimHei,Noto Sans CJK SC",
    KAI: "KaiTi,楷体,Noto Serif CJK SC",
    FANG: "FangSong,仿宋,Noto Serif CJK SC",
}
LATIN = "Times New Roman"
TITLE, BODY, TABLE, SMALL = Pt(22), Pt(16), Pt(10.5), Pt(7)  # 二号、三号、五号
LINE = Pt(28)
STYLES = {"Normal", "DefaultParagraphFont", "TableNormal", "NoList", "TableGrid", "Header", "Footer"}
UNUSED = {"stylesWithEffects", "thumbnail", "numbering", "customXml"}
NUMERALS = "一二三四五六七八九十"
GREY = "808080"


class Page:
    """A paper that is being set: parts are added from top to bottom, `done` gives the file."""

    def __init__(self, *, landscape: bool = False) -> None:
        """Begin an empty page."""
        self.document = Document()
        self._number = 0
        section = self.document.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.top_margin, section.bottom_margin = Mm(37), Mm(35)
        section.left_margin, section.right_margin = Mm(28), Mm(26)
        if landscape:
            section.orientation = WD_ORIENT.LANDSCAPE
            section.page_width, section.page_height = Mm(297), Mm(210)
            section.top_margin = section.bottom_margin = Mm(26)
        section.footer_distance = Mm(18)
        self.width = (section.page_width - section.left_margin - section.right_margin) / Mm(1)
        self._typefaces()

    def number(self, text: str) -> None:
        """Set the paper's own number: centred, above the title."""
        paragraph = self._paragraph(text, FANG, BODY, align=WD_ALIGN_PARAGRAPH.CENTER, indent=False)
        paragraph.paragraph_format.space_after = Pt(28)
        paragraph.paragraph_format.keep_with_next = True

    def title(self, text: str) -> None:
        """Set the title: centred, in Xiaobiaosong of the second size."""
        paragraph = self._paragraph(text, SONG, TITLE, align=WD_ALIGN_PARAGRAPH.CENTER, indent=False)
        paragraph.paragraph_format.line_spacing = Pt(34)
        paragraph.paragraph_format.space_after = Pt(16)
        paragraph.paragraph_format.keep_with_next = True

    def address(self, text: str) -> None:
        """Set whom the paper is addressed to: flush left."""
        self._paragraph(text, FANG, BODY, indent=False)

    def heading(self, text: str) -> None:
        """Set a heading, numbered 一、二、三、 as they come."""
        self._number += 1
        paragraph = self._paragraph(f"{in_numerals(self._number)}、{text}", HEI, BODY)
        paragraph.paragraph_format.keep_with_next = True

    def text(self, text: str) -> None:
        """Set a paragraph of the body; each line of the text is one."""
        for line in text.split("\n"):
            self._paragraph(line, FANG, BODY)

    def note(self, text: str) -> None:
        """Set a small remark under a table."""
        self._paragraph(text, FANG, TABLE, indent=False, line=Pt(16))

    def signed(self, issuer: str, on: str) -> None:
        """Set who issues the paper and when: to the right, as a seal goes over it."""
        lines = ("", issuer, on)
        for line in lines:
            paragraph = self._paragraph(line, FANG, BODY, align=WD_ALIGN_PARAGRAPH.RIGHT, indent=False)
            paragraph.paragraph_format.right_indent = Mm(22)
            paragraph.paragraph_format.keep_with_next = line != on

    def table(
        self,
        heads: Sequence[str],
        rows: Sequence[Sequence[str]],
        widths: Sequence[float],
        *,
        right: frozenset[int] = frozenset(),
        foot: Sequence[str] | None = None,
    ) -> None:
        """Set a table with a head that is repeated on every page; `right` columns are amounts, `foot` is a sum."""
        self._paragraph("", FANG, TABLE, indent=False, line=Pt(6))
        made = self._table(len(widths), widths)
        _set_row(made, heads, HEI, centre=True)
        mark = made.rows[0]._tr.get_or_add_trPr()
        mark.append(OxmlElement("w:tblHeader"))
        _set_rows(made, rows, right)
        if foot is not None:
            _set_row(made, foot, HEI, right=right)
        self._after_table()

    def form(self, rows: Sequence[Sequence[str]], sign: Sequence[str] = ()) -> None:
        """Set a form: labels and values by turns, four cells wide; `sign` adds boxes for an opinion and a signature."""
        widths = [self.width * part for part in (0.2, 0.3, 0.2, 0.3)]
        made = self._table(4, widths)
        for row in rows:
            cells = made.add_row().cells
            if len(row) == 2:
                cells[1].merge(cells[3])
            for index, value in enumerate(row):
                label = index % 2 == 0
                _set_cell(cells[index], value, HEI if label else FANG, centre=label)
            made.rows[-1].height, made.rows[-1].height_rule = Mm(11), WD_ROW_HEIGHT_RULE.AT_LEAST
        for box in sign:
            cells = made.add_row().cells
            cells[1].merge(cells[3])
            _set_cell(cells[0], box, HEI, centre=True)
            _set_cell(cells[1], "\n\n签字：　　　　　　　　　　年　　月　　日", FANG, ends=True)
            made.rows[-1].height, made.rows[-1].height_rule = Mm(30), WD_ROW_HEIGHT_RULE.AT_LEAST
        self._after_table()

    def done(self, title: str, position: Position, language: str = "zh-CN") -> bytes:
        """Return the file, which carries its position in every page's foot and in its properties."""
        self._foot(position)
        core = self.document.core_properties
        core.title, core.author, core.last_modified_by = title, position.origin, position.origin
        core.subject, core.identifier, core.keywords = position.stream, position.text, f"seq={position.seq}"
        core.comments, core.category, core.language = f"leaf={position.leaf}", "", language
        core.revision = 1
        core.created = core.modified = position.at.replace(tzinfo=None, microsecond=0)
        out = BytesIO()
        self.document.save(out)
        return same_bytes(out.getvalue())

    def _typefaces(self) -> None:
        style = self.document.styles["Normal"]
        style.font.name, style.font.size = LATIN, BODY
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        fonts.set(qn("w:eastAsia"), FANG)
        package = self.document.part.package
        part = next(one for one in package.iter_parts() if one.partname == "/word/fontTable.xml")
        part._blob = _font_table()
        for rels in (package.rels, self.document.part.rels):  # what the library's template brings and no paper uses
            for name in [name for name, rel in rels.items() if rel.reltype.rpartition("/")[2] in UNUSED]:
                del rels[name]
        styles = self.document.styles.element
        for one in [*styles.style_lst]:
            if one.styleId not in STYLES:
                styles.remove(one)

    def _paragraph(
        self, text: str, face: str, size: Any, *, align: Any = None, indent: bool = True, line: Any = LINE
    ) -> Any:
        paragraph = self.document.add_paragraph()
        shape = paragraph.paragraph_format
        shape.space_before = shape.space_after = Pt(0)
        shape.line_spacing_rule, shape.line_spacing = WD_LINE_SPACING.EXACTLY, line
        if indent:
            shape.first_line_indent = size * 2
        if align is not None:
            paragraph.alignment = align
        _run(paragraph, text, face, size)
        return paragraph

    def _table(self, columns: int, widths: Sequence[float]) -> Any:
        made = self.document.add_table(rows=0, cols=columns)
        made.style, made.alignment, made.autofit = "Table Grid", WD_TABLE_ALIGNMENT.CENTER, False
        scale = min(1.0, self.width / sum(widths))
        for column, width in zip(made.columns, widths, strict=True):
            column.width = Mm(width * scale)
        return made

    def _after_table(self) -> None:
        self._paragraph("", FANG, TABLE, indent=False, line=Pt(12))

    def _foot(self, position: Position) -> None:
        footer = self.document.sections[0].footer
        paragraph = footer.paragraphs[0]
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        _run(paragraph, "— ", LATIN, Pt(14))
        _page_number(paragraph)
        _run(paragraph, " —", LATIN, Pt(14))
        below = footer.add_paragraph()
        below.alignment = WD_ALIGN_PARAGRAPH.CENTER
        _run(below, f"据留痕生成　{position.text}", FANG, SMALL, colour=GREY)


def in_numerals(number: int) -> str:
    """Return a heading's number, 1 to 99, in Chinese numerals."""
    tens, ones = divmod(number, 10)
    head = {0: "", 1: "十"}.get(tens, f"{NUMERALS[tens - 1]}十")
    return head + (NUMERALS[ones - 1] if ones else "")


def _set_rows(made: Any, rows: Sequence[Sequence[str]], right: frozenset[int]) -> None:
    """Set rows that are alike: one is built, and copied with other texts; each built anew took five times as long."""
    if not rows:
        return
    _set_row(made, [""] * len(rows[0]), FANG, right=right)
    pattern = made.rows[-1]._tr
    made._tbl.remove(pattern)
    for row in rows:
        copy = deepcopy(pattern)
        for run, text in zip(copy.iter(qn("w:r")), row, strict=True):
            run.text = text
        made._tbl.append(copy)


def _set_row(
    made: Any, texts: Sequence[str], face: str, *, centre: bool = False, right: frozenset[int] = frozenset()
) -> None:
    row = made.add_row()
    row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
    for index, (cell, text) in enumerate(zip(row.cells, texts, strict=True)):
        cell.width = made.columns[index].width
        _set_cell(cell, text, face, centre=centre, ends=index in right and not centre)


def _set_cell(cell: Any, text: str, face: str, *, centre: bool = False, ends: bool = False) -> None:
    paragraph = cell.paragraphs[0]
    shape = paragraph.paragraph_format
    shape.space_before = shape.space_after = Pt(1.5)
    shape.line_spacing = 1.0
    if centre or ends:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER if centre else WD_ALIGN_PARAGRAPH.RIGHT
    cell.vertical_alignment = WD_ALIGN_VERTICAL.CENTER
    _run(paragraph, text, face, TABLE)


def _run(paragraph: Any, text: str, face: str, size: Any, *, colour: str | None = None) -> Any:
    run = paragraph.add_run(text)
    run.font.size, run.font.name = size, LATIN
    fonts = run._element.get_or_add_rPr().get_or_add_rFonts()
    fonts.set(qn("w:eastAsia"), face)
    fonts.set(qn("w:hint"), "eastAsia")  # quotation marks are wide
    if colour:
        mark = OxmlElement("w:color")
        mark.set(qn("w:val"), colour)
        run._element.get_or_add_rPr().append(mark)
    return run


def _page_number(paragraph: Any) -> None:
    for kind, code in (("begin", None), (None, "PAGE"), ("end", None)):
        run = _run(paragraph, "", LATIN, Pt(14))
        if code:
            mark = OxmlElement("w:instrText")
            mark.set(qn("xml:space"), "preserve")
            mark.text = code
        else:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
        run._element.append(mark)


def _font_table() -> bytes:
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    fonts = "".join(
        f'<w:font w:name="{name}"><w:altName w:val="{instead}"/><w:charset w:val="86"/></w:font>'
        for name, instead in INSTEAD.items()
    )
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    return f'{head}\n<w:fonts xmlns:w="{space}">{fonts}</w:fonts>'.encode()
