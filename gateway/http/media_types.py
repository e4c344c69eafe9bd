"""Content negotiation: the media type of a response, by `format` or else by `Accept`."""

from collections.abc import Sequence

HTML, PDF, JSON = "html", "pdf", "json"
MEDIA_TYPES = {HTML: "text/html", PDF: "application/pdf", JSON: "application/json"}


def negotiate_format(requested: str | None, accept: str | None, offered: Sequence[str]) -> str:
    """Returns one of the `offered` formats: the requested one, or the one that `Accept` prefers.

    The first one wins a tie, and is used when none is acceptable (RFC 9110, 12.5.1).
    """
    if requested is not None:
        return requested
    qualities = _qualities(accept or "*/*")
    return max(offered, key=lambda name: _quality_of(MEDIA_TYPES[name], qualities))


def _qualities(accept: str) -> dict[str, float]:
    qualities = {}
    for part in accept.split(","):
        media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
        qualities[media_range] = _quality(parameters)
    return qualities


def _quality(parameters: Sequence[str]) -> float:
    weights = [parameter[2:] for parameter in parameters if parameter.startswith("q=")]
    try:
        return float(weights[0]) if weights else 1.0
    except ValueError:
        return 0.0


def _quality_of(media_type: str, qualities: dict[str, float]) -> float:
    kind = media_type.split("/")[0]
    ranges = (media_type, f"{kind}/*", "*/*")
    return next((qualities[one] for one in ranges if one in qualities), 0.0)
