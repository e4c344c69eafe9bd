"""Sheets as PDF: A4, with text that can be searched and copied, and subsets of fonts embedded."""

import html
import io

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, LongTable, Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus import Table as PdfTable

from gateway.documents.fonts import CHINESE, KOREAN, REGULAR, load_fonts, needs_shaping, runs
from gateway.documents.sheet import Sheet, Table
from gateway.patches import outlining_canvas
from kit.localization.translations import current_language

MARGIN, FRAME_PADDING = 20 * mm, 12
GREY, INK = HexColor("#5c5c57"), HexColor("#1d1d1b")
LINE = HexColor("#d9d9d4")
# The outlines, in points, of the two variable fonts.
CANVAS = outlining_canvas({CHINESE: 0.2, KOREAN: 0.2})
TEXT = ParagraphStyle("text", fontName=REGULAR, fontSize=10, leading=14, textColor=INK)
SMALL = ParagraphStyle("small", TEXT, fontSize=8.5, leading=12, textColor=GREY)
TITLE = ParagraphStyle("title", TEXT, fontSize=20, leading=28, spaceAfter=6 * mm)
HEADING = ParagraphStyle(
    "heading", TEXT, fontSize=12, leading=16, spaceBefore=8 * mm, spaceAfter=2 * mm, keepWithNext=1
)
NAME = ParagraphStyle("name", TEXT, textColor=GREY)
AMOUNT = ParagraphStyle("amount", TEXT, alignment=TA_RIGHT)


def draw_pdf(sheet: Sheet) -> bytes:
    """Renders a sheet as a PDF document."""
    load_fonts()
    file = io.BytesIO()
    document = SimpleDocTemplate(
        file,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=f"{sheet.title} · MicroTasks",
        author="MicroTasks",
        lang=current_language(),
    )
    document.build(_flow(sheet, document.width - FRAME_PADDING), canvasmaker=CANVAS)
    return file.getvalue()


def _flow(sheet: Sheet, width: float) -> list[Flowable]:
    facts = [[_words(name, NAME), _words(value, TEXT)] for name, value in sheet.facts]
    flow: list[Flowable] = [_words("MicroTasks", NAME), _words(sheet.title, TITLE, bold=True)]
    flow.append(PdfTable(facts, colWidths=[28 * mm, width - 28 * mm], style=_PLAIN))
    for table in sheet.tables:
        flow += [_words(table.heading, HEADING, bold=True), _table(table, width)]
    flow.append(Spacer(0, 8 * mm))
    flow += [_words(note, SMALL) for note in sheet.notes]
    return flow


_PLAIN = [
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("TOPPADDING", (0, 0), (-1, -1), 1),
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
]


def _table(table: Table, width: float) -> LongTable:
    last = len(table.rows) - 1
    rows = [_row(table.columns, bold=True)]
    rows += [_row(row, bold=table.has_total and number == last) for number, row in enumerate(table.rows)]
    first = [26 * mm] if len(table.columns) == 3 else []
    amount = 48 * mm
    widths = [*first, width - sum(first) - amount, amount]
    style = [*_PLAIN, ("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE), ("RIGHTPADDING", (-1, 0), (-1, -1), 0)]
    if table.has_total:
        style.append(("LINEABOVE", (0, -1), (-1, -1), 1, INK))
    return LongTable(
        rows, colWidths=widths, repeatRows=1, style=[*style, ("BOTTOMPADDING", (0, 0), (-1, -1), 4)]
    )


def _row(cells: tuple[str, ...], bold: bool) -> list[Paragraph]:
    words = [_words(cell, TEXT, bold) for cell in cells[:-1]]
    return [*words, _words(cells[-1], AMOUNT, bold)]


def _words(text: str, style: ParagraphStyle, bold: bool = False) -> Paragraph:
    pieces = list(runs(text, bold))
    if needs_shaping(pieces):
        style = ParagraphStyle(f"shaped {style.name}", style, shaping=1)
    marked = "".join(f'<font name="{font}">{html.escape(part)}</font>' for font, part in pieces)
    return Paragraph(marked, style)
