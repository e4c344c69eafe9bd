"""Changes to libraries that the gateway depends on, each with its reason."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from aiormq.channel import Channel
from pamqp.commands import Basic
from pamqp.header import ContentHeader


def report_returned_messages(channel: Channel, on_returned: Callable[[str], None]) -> None:
    """Calls back with the correlation id of each message that the broker returns on a channel.

    aiormq 7 reports returned messages through their publisher confirms only; on a channel without confirms
    it logs them as errors.
    """

    async def read_returned(frame: Basic.Return) -> None:
        header = cast(ContentHeader, await channel._get_frame())
        message = await channel._read_content(frame, header)
        on_returned(message.header.properties.correlation_id or "")

    channel._on_return_frame = read_returned  # type: ignore[method-assign]


def outlining_canvas(outlines: Mapping[str, float]) -> Any:
    """Returns a ReportLab canvas class that draws the outline of the fonts in `outlines`, in points.

    ReportLab embeds a variable font in its lightest weight only; an outline makes that look regular. The
    text render mode cannot be set per font by the public interface, which chooses fonts itself.
    """
    # ReportLab takes long to import, and only PDFs need it.
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.pdfgen.textobject import PDFTextObject

    class OutliningText(PDFTextObject):  # type: ignore[misc]  # it ships no types
        def _setFont(self, name: str, size: float) -> None:  # noqa: N802 - ReportLab's name
            super()._setFont(name, size)
            outline = outlines.get(name)
            self._code.append("0 Tr" if outline is None else f"{outline} w 2 Tr")

    class OutliningCanvas(Canvas):  # type: ignore[misc]
        def beginText(self, x: float = 0, y: float = 0, direction: Any = None) -> PDFTextObject:  # noqa: N802
            return OutliningText(self, x, y, direction=direction)

    return OutliningCanvas
