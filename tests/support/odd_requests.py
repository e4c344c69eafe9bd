"""Headers, addresses and first lines that no browser sends."""

ANY_ID = "01890000-0000-7000-8000-0000000000f1"
ODD_VALUES = (
    "", " ", ",", ";", "=", "*", '"', "'", "\\", "%00", "%ff", "é", "\udcff", "\x80", "[" * 4_000,
    '"' * 8_000, "9" * 5_000, "a," * 4_000, ";" * 8_000, "bytes=0-", "bytes=-1,-1", 'W/"', '"0.x", "1.',
    "nan", "-1", "1e999", "en;q=inf", "*/*;q=nan", "text/html;q=" + "9" * 5_000, "::1",
    "127.0.0.1", "http://[", "\t",
)  # fmt: skip
ODD_HEADERS = (
    "Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Connection", "Cookie", "Device-Token",
    "Expect", "Forwarded", "Host", "Idempotency-Key", "If-Match", "If-Modified-Since", "If-None-Match",
    "If-Range", "Last-Event-ID", "Origin", "Range", "Referer", "Sec-WebSocket-Key", "TE", "Upgrade",
    "User-Agent", "X-Forwarded-For", "X-Forwarded-Proto", "X-Request-Id", "traceparent", "tracestate",
)  # fmt: skip
ODD_IDS = ("a%0d%0aX:1", "%00", "%7f", "%", "%zz", "%ff", "%ed%a0%80", "..", f"{ANY_ID}%00")
ODD_PATHS = ("/%00", "/v1/%0a", "/v1/services/%c2%85", "/v1/orders/é", "/v1/orders/\udcff")
ODD_QUERIES = ("q=%ff", "q=\udcff", "q=%ed%a0%80", "q=a&q=b", "%ff=1", "cursor=%00", "&".join(["a=1"] * 200))
ODD_LINES = (
    "OPTIONS * HTTP/1.1", "CONNECT x:1 HTTP/1.1", "GET http://x/v1/nothing HTTP/1.1", "GET //x HTTP/1.1",
    "GET ?q HTTP/1.1", "GET  HTTP/1.1", "BREW /v1/services HTTP/1.1", "GET /v1/a;b=%00 HTTP/1.0",
)  # fmt: skip
ODD_TYPES = (
    ";" * 8_000, 'a/b;x="' + '"' * 8_000, "a/b;x=" + "(" * 8_000, "a/b; charset*=punycode''x", "\udcff",
)  # fmt: skip


def request(path: str, *lines: str, method: str = "GET") -> bytes:
    """A request as bytes; an unpaired surrogate stands for a byte that is no UTF-8."""
    text = "\r\n".join((f"{method} {path} HTTP/1.1", *lines, "", ""))
    return text.encode("utf-8", "surrogateescape")
