"""A request has the same fingerprint in every release: a repeat may meet an older or a newer gateway."""

from types import SimpleNamespace
from typing import Any

import pytest

from gateway.http.bodies import parse_object
from gateway.http.request import RequestContext

# As earlier gateways computed them. Never change one.
FINGERPRINTS = [
    ("{}", "d9c6f8048a06e4510b07b5f7b9358b83a5bb393fda5bbec052fd569b15116d0b"),
    (
        '{"b": 1, "a": {"d": [true, null], "c": ""}}',
        "84cc5322ee7c94e85073490de01cdd0c14f60fcfe75f53dfca76d4c2685f662a",
    ),
    ('{"title": "Grüße – 漢字 😀"}', "612ff2b959bad0a108260cb568dbf4b9e9ef167f875fc7966c16d3ec5deb3aa5"),
    (
        '{"title": "Gr\\u00fc\\u00dfe \\ud83d\\ude00"}',
        "5f7bdf8c3db59455b70545547887fdb7006d2294be66e944be42e4ff6c8cc8ed",
    ),
    ('{"text": "\\ud800 \\udc00x"}', "96f82d50a1e3bb5689066dfce97a24966056df6a60c070519d7cec2ed2b43fe8"),
    (
        '{"rate": 1e16, "low": -0.0, "small": 1e-7, "third": 0.1}',
        "4fb7ba237af25127d8191f9446438b9d57e054fc3596040a3b7c3096a43beba7",
    ),
    (
        '{"n": 123456789012345678901234567890, "m": -18446744073709551617}',
        "14ba0aa5af872f1b0809ccebbfa166bf1eecffb7ab8b4381c95403d2167a7c62",
    ),
    ('{"n": 1' + "0" * 100 + "}", "9906841e701ea040946e819faac9092cfeee452877baddc33675b8875ff69785"),
    ('{"e": 1e999}', "134917d3de19e304701bf79b2c6c86dcc83349743bce34c01404cba8937406fd"),
    (
        '{"c": "\\u0000\\u001f\\u007f\\u2028\\/"}',
        "a240fe9955ab72a9a36016a22f4e9cf08f6b89e38620ac4f5f53a802a77a5fbf",
    ),
]


@pytest.mark.parametrize(("body", "fingerprint"), FINGERPRINTS)
def test_it_is_what_earlier_releases_computed(body: str, fingerprint: str) -> None:
    context = RequestContext.__new__(RequestContext)
    request: Any = SimpleNamespace(method="POST", rel_url=SimpleNamespace(raw_path="/v1/orders"))
    context.request = request
    context.compute_fingerprint(parse_object(body.encode()))
    assert context.fingerprint == fingerprint
