"""Cross-origin requests."""

from services.orders import contract as orders
from tests.gateway.examples import RESULT
from tests.gateway.testbed import ANNA, ORDER_ID, GatewayTestbed, on_gateway

ORDER = f"/v1/orders/{ORDER_ID}"
PAGE_ORIGIN = "https://shop.example"


@on_gateway(cors_origins=f"{PAGE_ORIGIN}, https://other.example/")
async def test_pages_of_allowed_origins_may_read_answers(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(orders.GET_ORDER, RESULT)
    for origin in (PAGE_ORIGIN, "https://other.example"):
        async with testbed.request("GET", ORDER, ANNA, headers={"Origin": origin}) as response:
            assert response.headers["Access-Control-Allow-Origin"] == origin
            assert "ETag" in response.headers["Access-Control-Expose-Headers"]
            assert response.headers["Vary"] == "Authorization, Origin"
            assert "Access-Control-Allow-Credentials" not in response.headers
    problem = await testbed.problem("GET", ORDER, headers={"Origin": PAGE_ORIGIN})
    assert problem["headers"]["Access-Control-Allow-Origin"] == PAGE_ORIGIN


@on_gateway(cors_origins=PAGE_ORIGIN)
async def test_pages_of_other_origins_may_not(testbed: GatewayTestbed) -> None:
    testbed.rpc.answer(orders.GET_ORDER, RESULT)
    for origin in ("https://evil.example", "null", PAGE_ORIGIN + ".evil.example"):
        async with testbed.request("GET", ORDER, ANNA, headers={"Origin": origin}) as response:
            assert "Access-Control-Allow-Origin" not in response.headers
        async with testbed.request("OPTIONS", ORDER, headers={"Origin": origin}) as response:
            assert "Access-Control-Allow-Methods" not in response.headers


@on_gateway(cors_origins=PAGE_ORIGIN)
async def test_a_preflight_lists_what_may_be_sent(testbed: GatewayTestbed) -> None:
    headers = {"Origin": PAGE_ORIGIN, "Access-Control-Request-Method": "POST"}
    async with testbed.request("OPTIONS", "/v1/orders", headers=headers) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == PAGE_ORIGIN
        assert response.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS, POST"
        assert "Idempotency-Key" in response.headers["Access-Control-Allow-Headers"]
        assert response.headers["Access-Control-Max-Age"] == "600"


@on_gateway()
async def test_without_a_list_no_origin_is_allowed(testbed: GatewayTestbed) -> None:
    async with testbed.request("GET", "/v1/help", headers={"Origin": PAGE_ORIGIN}) as response:
        assert "Access-Control-Allow-Origin" not in response.headers
        assert "Vary" not in response.headers
