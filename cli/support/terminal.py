"""Everything that the command line shows goes through here: a terminal obeys nothing that data hold."""

import sys
import traceback
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment

from kit.text import printable

WIDTH_OF_A_FILE = 160  # what rich takes for a terminal when there is none is too narrow


class Screen(Console):
    """Shows escapes and other characters that terminals obey instead of sending them."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The renderable's segments; rich's own control sequences, such as a bar's, stay."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(printable(text, lines=True), style)


def screen(stderr: bool = False, **options: Any) -> Screen:
    """A console; into a file or a pipe it writes lines of a fixed width."""
    console = Screen(highlight=False, stderr=stderr, **options)
    if not console.is_terminal:
        console.width = WIDTH_OF_A_FILE
    return console


def shown(text: object) -> str:
    """Data for the middle of a line with markup: neither their brackets nor their escapes count."""
    return escape(printable(str(text), lines=True))


def show_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What Python writes when it ends with an error (`sys.excepthook`), its text only shown."""
    sys.stderr.write(printable("".join(traceback.format_exception(kind, error, trace)), lines=True))
