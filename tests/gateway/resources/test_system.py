"""Resources about the API itself."""

import pytest
from structlog.testing import CapturingLogger

from gateway.help import GROUPS, HELP, parse
from gateway.settings import GatewaySettings
from kit.settings import BadSetting, load
from tests.gateway.testbed import GatewayTestbed, on_gateway


@on_gateway()
async def test_health_and_readiness(testbed: GatewayTestbed) -> None:
    async def status(path: str) -> int:
        async with testbed.request("GET", path) as response:
            assert response.headers["Cache-Control"] == "private, no-store"
            return int(response.status)

    assert (await status("/healthz"), await status("/readyz")) == (200, 200)
    testbed.feed.is_ready = False
    assert (await status("/healthz"), await status("/readyz")) == (200, 503)
    testbed.feed.is_ready, testbed.rpc.is_ready = True, False
    assert await status("/readyz") == 503
    testbed.rpc.is_ready, testbed.gateway.is_draining = True, True
    async with testbed.request("GET", "/readyz") as response:
        assert (response.status, response.headers["Connection"]) == (503, "close")


@on_gateway()
async def test_only_failed_probes_are_logged(testbed: GatewayTestbed) -> None:
    lines = CapturingLogger()
    testbed.gateway.access_log = lines
    for path in ("/healthz", "/readyz", "/v1/help"):
        async with testbed.request("GET", path):
            pass
    testbed.feed.is_ready = False
    async with testbed.request("GET", "/readyz"):
        pass
    written = [
        (call.kwargs["path"], call.kwargs["status"]) for call in lines.calls if call.method_name == "info"
    ]
    assert written == [("/v1/help", 200), ("/readyz", 503)]


@on_gateway()
async def test_the_documents_page_needs_no_other_host(testbed: GatewayTestbed) -> None:
    async with testbed.request("GET", "/docs") as response:
        page = await response.text()
        assert response.content_type == "text/html"
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert "http://" not in page and "https://" not in page
    for part in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js"):
        assert f"/docs/{part}" in page
        async with testbed.request("GET", f"/docs/{part}") as response:
            assert response.status == 200
            text = await response.text()
        assert text
        if part == "swagger-ui-bundle.js":
            assert 'PACKAGE_VERSION:"5.' in text, "earlier ones cannot read OpenAPI 3.1"
    assert (await testbed.problem("GET", "/docs/index.j2"))["status"] == 404
    assert (await testbed.problem("GET", "/docs/..%2fapp.py"))["status"] == 404


@on_gateway()
async def test_the_document_is_served(testbed: GatewayTestbed) -> None:
    async with testbed.request("GET", "/openapi.json") as response:
        document = await response.json()
    assert document["openapi"] == "3.1.0"
    assert "/v1/orders/{order_id}" in document["paths"]


@on_gateway()
async def test_help_comes_in_four_groups_and_covers_the_stages_of_an_order(testbed: GatewayTestbed) -> None:
    async with testbed.request("GET", "/v1/help") as response:
        assert response.status == 200
        groups = (await response.json())["data"]
    assert [group["group"] for group in groups] == list(GROUPS)
    articles = [article for group in groups for article in group["articles"]]
    ids = [article["id"] for article in articles]
    assert len(set(ids)) == len(ids) > 20
    by_id = {article["id"]: article["body"] for article in articles}
    for stages in (by_id["order-stages-provider"], by_id["order-stages-customer"]):
        for label in ("Pending (status 1)", "Order Placed (status 2)", "Work Completed (status 3)"):
            assert label in stages
        assert "Order Completed (status 4)" in stages and "Cancelled (status 7)" in stages
    assert "My Orders" in by_id["submit-review"] and "Submit Review" in by_id["submit-review"]


def test_a_help_file_without_title_or_ids_is_refused() -> None:
    assert [group["title"] for group in HELP] == [
        "Account Related", "Offering Services", "Ordering Services", "Payment Related",
    ]  # fmt: skip
    for text in ("## A {#a}\nb", "# T\n## A\nb"):
        with pytest.raises(ValueError, match="help/x"):
            parse("x", text)


def test_a_network_that_is_none_stops_the_start_with_its_name() -> None:
    with pytest.raises(BadSetting, match="TRUSTED_PROXIES"):
        load(GatewaySettings, trusted_proxies="10.0.0.0/99")
