"""The format of a response: by `format`, else by `Accept`."""

import pytest

from gateway.http.media_types import HTML, JSON, PDF, negotiate_format


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, HTML),
        ("*/*", HTML),
        ("", HTML),
        ("application/pdf", PDF),
        ("application/json", JSON),
        ("text/html,application/xhtml+xml,*/*;q=0.8", HTML),
        ("application/*", PDF),
        ("application/*;q=0.5, application/json", JSON),
        ("text/html;q=0.1, application/pdf;q=0.2", PDF),
        ("text/html;q=0, */*;q=0.1", PDF),
        ("APPLICATION/PDF ; Q=1", PDF),
        ("image/png", HTML),
        ("text/html;q=much, application/json;q=0.1", JSON),
        (",,;;,", HTML),
    ],
)
def test_accept_chooses_among_what_is_offered(accept: str | None, chosen: str) -> None:
    assert negotiate_format(None, accept, (HTML, PDF, JSON)) == chosen


def test_format_takes_precedence_over_accept() -> None:
    assert negotiate_format(PDF, "text/html", (HTML, PDF)) == PDF
