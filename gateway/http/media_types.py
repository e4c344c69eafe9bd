"""Which of several media types an answer is written in: as `format` says, or else `Accept`."""

from collections.abc import Sequence

HTML, PDF, JSON = "html", "pdf", "json"
MEDIA_TYPES = {HTML: "text/html", PDF: "application/pdf", JSON: "application/json"}


def chosen_format(asked: str | None, accept: str | None, offered: Sequence[str]) -> str:
    """One of the `offered` formats: the one asked for, or the one that `Accept` likes best.

    The first one offered wins a tie, and serves those who would accept none (RFC 9110, 12.5.1).
    """
    if asked is not None:
        return asked
    accepted = _accepted_types(accept or "*/*")
    return max(offered, key=lambda name: _quality_of(MEDIA_TYPES[name], accepted))


def _accepted_types(accept: str) -> dict[str, float]:
    accepted = {}
    for part in accept.split(","):
        media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
        accepted[media_range] = _quality(parameters)
    return accepted


def _quality(parameters: Sequence[str]) -> float:
    weights = [parameter[2:] for parameter in parameters if parameter.startswith("q=")]
    try:
        return float(weights[0]) if weights else 1.0
    except ValueError:
        return 0.0


def _quality_of(media_type: str, accepted: dict[str, float]) -> float:
    kind = media_type.split("/")[0]
    ranges = (media_type, f"{kind}/*", "*/*")
    return next((accepted[one] for one in ranges if one in accepted), 0.0)
