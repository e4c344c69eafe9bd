"""Receipts and statements: equal in HTML and PDF, in the reader's locale, safe with any text."""

import asyncio
import re
import threading
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.documents.fonts import BOLD, CHINESE, KOREAN, REGULAR, runs
from gateway.documents.formatting import LocaleFormatter
from gateway.documents.html import draw_html
from gateway.documents.pdf import draw_pdf
from gateway.documents.receipt import receipt_of
from gateway.documents.rendering import MAX_PER_ACCOUNT, MAX_QUEUED, RenderingQueue
from gateway.documents.sheet import Sheet, Table
from gateway.documents.statement import statement_of
from kit.errors import NotFound, TooMany, Unavailable
from kit.localization.money import decimals_of
from services.accounts import contract as accounts
from services.payments import contract as payments
from tests.gateway.examples import PAYMENT_ID
from tests.gateway.testbed import ANNA, BEN, GatewayTestbed, on_gateway

RECEIPT = f"/v1/payments/{PAYMENT_ID}/receipt"
STATEMENT = "/v1/me/statements/2026-11"
MOMENT = "2026-11-26T22:03:04.000000Z"
HOSTILE = "<script>alert('x')</script> & \"quoted\" {{ 7*7 }} \u202e明"
ENGLISH = LocaleFormatter("en")


def money(amount: int, currency: str = "EUR") -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


def payment(**changes: Any) -> dict[str, Any]:
    """A successful payment."""
    return {
        "id": PAYMENT_ID,
        "order_number": "MT-26-000123",
        "service": {"id": "s", "title": "Proofreading"},
        "customer": {"id": ANNA, "display_name": "Zoë Øst"},
        "provider": {"id": "p", "display_name": "Łukasz 明"},
        "amount": money(4500),
        "processor": "sandbox",
        "method": "sandbox_ok",
        "paid_at": MOMENT,
        "refunds": [],
        **changes,
    }


def statement(**changes: Any) -> dict[str, Any]:
    """A month with earnings and a payout."""
    total = {"opening": 0, "gross": 5000, "fees": 500, "refunded": 0, "paid_out": 1000, "closing": 3500}
    line = {"service_title": "Proofreading", "order_number": "MT-1", "created_at": MOMENT}
    return {
        "month": "2026-11",
        "provider": {"id": "p", "display_name": "Łukasz 明"},
        "totals": [{"currency": "EUR", **total}],
        "lines": [
            {**line, "type": "earning", "amount": money(4500)},
            {**line, "type": "payout", "service_title": None, "order_number": None, "amount": money(-1000)},
        ],
        **changes,
    }


def answer(testbed: GatewayTestbed, locale: str = "en", **changes: Any) -> None:
    testbed.rpc.answer(payments.GET_PAYMENT, payment(**changes))
    testbed.rpc.answer(payments.GET_STATEMENT, statement())
    testbed.rpc.answer(accounts.GET_ME, {"locale": locale})


class Texts(HTMLParser):
    """The texts of a page, without its style, and its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        if self.lasttag != "style" and data.strip():
            self.texts.append(data.strip())


@on_gateway()
async def test_a_receipt_is_html_unless_pdf_is_requested(testbed: GatewayTestbed) -> None:
    answer(testbed)
    for path, headers, kind in (
        (RECEIPT, {}, "text/html"),
        (RECEIPT, {"Accept": "application/pdf"}, "application/pdf"),
        (f"{RECEIPT}?format=pdf", {}, "application/pdf"),
        (f"{RECEIPT}?format=html", {"Accept": "application/pdf"}, "text/html"),
    ):
        async with testbed.request("GET", path, ANNA, headers=headers) as response:
            assert (response.status, response.content_type) == (200, kind)
            assert response.headers["Cache-Control"] == "private"
            assert response.headers["Vary"] == "Authorization, Accept"
            body = await response.read()
        assert body.startswith(b"%PDF-") if kind == "application/pdf" else b"45.00" in body
    assert (await testbed.problem("GET", f"{RECEIPT}?format=docx", ANNA))["status"] == 400


@on_gateway()
async def test_a_receipt_is_written_in_its_reader_s_locale(testbed: GatewayTestbed) -> None:
    answer(testbed, "de", amount=money(1234567, "KWD"))
    async with testbed.request("GET", RECEIPT, ANNA) as response:
        page = await response.text()
    assert "1.234,567\N{NO-BREAK SPACE}KWD" in page and "26.11.2026, 22:03 UTC" in page
    testbed.rpc.answer(accounts.GET_ME, Unavailable("Away."))
    async with testbed.request("GET", RECEIPT, ANNA) as response:
        assert "KWD\N{NO-BREAK SPACE}1,234.567" in await response.text()


@on_gateway()
async def test_there_is_no_receipt_of_an_unpaid_payment_or_of_another_account(
    testbed: GatewayTestbed,
) -> None:
    answer(testbed, paid_at=None, status="failed")
    problem = await testbed.problem("GET", RECEIPT, ANNA)
    assert (problem["status"], problem["code"]) == (409, "payment_not_paid")
    testbed.rpc.answer(payments.GET_PAYMENT, NotFound("No such payment."))
    assert (await testbed.problem("GET", RECEIPT, ANNA))["status"] == 404


@on_gateway()
async def test_a_statement_is_available_as_html_pdf_and_json(testbed: GatewayTestbed) -> None:
    answer(testbed)
    for kind in ("text/html", "application/pdf", "application/json"):
        async with testbed.request("GET", STATEMENT, ANNA, headers={"Accept": kind}) as response:
            assert (response.status, response.content_type) == (200, kind)
            if kind == "application/json":
                assert await response.json() == statement()
    assert {tuple(call[2].items()) for call in testbed.rpc.calls if call[2]} == {(("month", "2026-11"),)}
    calls = len(testbed.rpc.calls)
    for month in ("2026-13", "2026-1", "0000-00", "2026-11-01", "now"):
        assert (await testbed.problem("GET", f"/v1/me/statements/{month}", ANNA))["status"] == 404
    assert len(testbed.rpc.calls) == calls


def test_a_receipt_names_the_method_in_words_and_is_kept_under_the_order_s_number() -> None:
    receipt = receipt_of(payment(method="sandbox_action"), ENGLISH)
    assert ("Method", "Test card with a second step") in receipt.facts
    assert receipt.name == "receipt-MT-26-000123"
    assert ("Method", "of tomorrow") in receipt_of(payment(method="of tomorrow"), ENGLISH).facts


def test_a_receipt_lists_payment_and_refunds() -> None:
    refund = {"amount": money(1500), "reason": "One page was late.", "updated_at": MOMENT}
    refunds = [{**refund, "status": "refunded"}, {**refund, "status": "failed"}]
    page = Texts(draw_html(receipt_of(payment(refunds=refunds), ENGLISH)))
    assert page.texts.count("-€15.00") == 1
    assert page.texts[page.texts.index("Total") + 1] == "€30.00"
    assert "Refund: One page was late." in page.texts


def test_a_statement_goes_from_the_opening_to_the_closing_balance() -> None:
    texts = Texts(draw_html(statement_of(statement(), ENGLISH))).texts
    wanted = {"Opening balance": "€0.00", "Fees of MicroTasks": "-€5.00", "Closing balance": "€35.00"}
    assert {title: texts[texts.index(title) + 1] for title in wanted} == wanted
    assert "Earned: Proofreading, MT-1" in texts and "Paid out" in texts
    empty = Texts(draw_html(statement_of(statement(totals=[], lines=[]), ENGLISH))).texts
    assert "Nothing was earned or paid out so far." in empty


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (money(1200, "JPY"), "¥1,200"),
        (money(4500, "EUR"), "€45.00"),
        (money(-5, "USD"), "-$0.05"),
        (money(1234567, "KWD"), "KWD\N{NO-BREAK SPACE}1,234.567"),
        (money(1234567, "IQD"), "IQD\N{NO-BREAK SPACE}1,234.567"),
        (money(100, "CLF"), "CLF\N{NO-BREAK SPACE}0.0100"),
        (money(123456, "HUF"), "HUF\N{NO-BREAK SPACE}1,234.56"),
        (money(10**12, "EUR"), "€10,000,000,000.00"),
        (money(-(10**15) - 1, "KWD"), "-KWD\N{NO-BREAK SPACE}1,000,000,000,000.001"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(amount: Mapping[str, Any], written: str) -> None:
    assert ENGLISH.money(amount) == written


@given(st.integers(-(10**15), 10**15), st.sampled_from(("JPY", "EUR", "KWD", "CLF")))
def test_no_digit_of_an_amount_is_lost(amount: int, currency: str) -> None:
    digits = re.sub(r"[^0-9]", "", ENGLISH.money(money(amount, currency)))
    assert int(digits) == abs(amount)
    assert len(digits) > decimals_of(currency)


def test_a_statement_says_how_many_movements_it_leaves_out() -> None:
    (note, *_) = statement_of(statement(lines_left_out=7), ENGLISH).notes
    assert note == "7 more movements are not listed; the balances count them."


def test_user_text_never_becomes_markup() -> None:
    hostile = payment(
        service={"id": "s", "title": HOSTILE},
        customer={"id": "c", "display_name": HOSTILE},
        method=HOSTILE,
        refunds=[{"status": "refunded", "amount": money(1), "reason": HOSTILE, "updated_at": MOMENT}],
    )
    sheet = receipt_of(hostile, ENGLISH)
    page = Texts(draw_html(sheet))
    assert "script" not in page.tags and HOSTILE in page.texts
    assert draw_pdf(sheet).startswith(b"%PDF-")


def test_every_character_uses_a_font_that_has_it() -> None:
    assert list(runs("Łukasz Привет")) == [(REGULAR, "Łukasz Привет")]
    assert list(runs("Zoë 明 한", bold=True)) == [
        (BOLD, "Zoë "), (CHINESE, "明"), (BOLD, " "), (KOREAN, "한"),
    ]  # fmt: skip
    ((_, replaced),) = [(font, text) for font, text in runs("\N{GRINNING FACE}")]
    assert replaced == "\N{REPLACEMENT CHARACTER}"
    assert list(runs("a\x07\u202eb")) == [(REGULAR, "ab")]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.text(st.characters(min_codepoint=0x590, max_codepoint=0xE7F), max_size=60))
def test_any_text_can_be_drawn(one: str, other: str) -> None:
    table = Table(one, ("Date", "What", "Amount"), ((other, one + other, one),))
    assert draw_pdf(Sheet("x", one, ((one, other),), (table,), (other,))).startswith(b"%PDF-")


def test_the_longest_reason_still_fits_on_a_page() -> None:
    refund = {"status": "refunded", "amount": money(1), "reason": "明" * 2000, "updated_at": MOMENT}
    long = payment(service={"id": "s", "title": "明" * 120}, refunds=[refund] * 20)
    assert draw_pdf(receipt_of(long, ENGLISH)).startswith(b"%PDF-")


def test_documents_are_rendered_beside_the_event_loop_in_a_bounded_queue() -> None:
    async def many() -> None:
        queue, go_on, threads = RenderingQueue("test"), threading.Event(), set()

        def draw() -> None:
            threads.add(threading.current_thread())
            assert go_on.wait(30)

        waiting = [asyncio.create_task(queue.run(f"account {n}", draw)) for n in range(MAX_QUEUED)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await queue.run("one more", draw)
        go_on.set()
        await asyncio.gather(*waiting)
        assert len(threads) == 1 and threading.main_thread() not in threads
        await queue.run("one more", draw)
        queue.close()
        with pytest.raises(Unavailable):
            await queue.run("too late", draw)

    asyncio.run(many())


def test_an_account_s_documents_count_until_they_are_rendered_even_when_its_client_has_left() -> None:
    async def many() -> None:
        queue, go_on, begun = RenderingQueue("test"), threading.Event(), threading.Event()

        def draw() -> str:
            begun.set()
            assert go_on.wait(30)
            return "drawn"

        mine = [asyncio.create_task(queue.run("anna", draw)) for _ in range(MAX_PER_ACCOUNT)]
        assert await asyncio.to_thread(begun.wait, 30)
        mine[0].cancel()
        await asyncio.wait(mine[:1])
        with pytest.raises(TooMany) as refused:
            await queue.run("anna", draw)
        assert refused.value.code == "too_many_documents" and refused.value.data["retry_after_seconds"] > 0
        others = asyncio.create_task(queue.run("ben", draw))
        await asyncio.sleep(0)
        go_on.set()
        assert await others == await mine[1] == await queue.run("anna", draw) == "drawn"
        assert not queue._accounts
        queue.close()

    asyncio.run(many())


@on_gateway()
async def test_an_overlong_stored_language_tag_still_means_its_language(testbed: GatewayTestbed) -> None:
    answer(testbed, locale="de-" + "-".join(f"w{number:04d}xx" for number in range(7000)))
    async with testbed.request("GET", RECEIPT, ANNA) as response:
        assert response.status == 200
        assert "45,00\N{NO-BREAK SPACE}€" in await response.text()


@on_gateway()
async def test_pdfs_of_one_account_do_not_delay_its_html_and_delay_others_by_its_maximum_only(
    testbed: GatewayTestbed,
) -> None:
    testbed.rpc.answer(payments.GET_PAYMENT, payment())
    testbed.rpc.answer(accounts.GET_ME, {"locale": "en"})
    go_on = threading.Event()
    held = [
        asyncio.create_task(testbed.gateway.documents.pdfs.run(ANNA, lambda: go_on.wait(30)))
        for _ in range(MAX_PER_ACCOUNT)
    ]
    await asyncio.sleep(0)
    problem = await testbed.problem("GET", f"{RECEIPT}?format=pdf", ANNA)
    assert (problem["status"], problem["code"]) == (429, "too_many_documents")
    assert int(problem["headers"]["Retry-After"]) > 0
    async with testbed.request("GET", f"{RECEIPT}?format=html", ANNA) as response:
        assert response.status == 200
    others = asyncio.create_task(_status(testbed, f"{RECEIPT}?format=pdf", BEN))
    go_on.set()
    assert await others == 200
    await asyncio.gather(*held)


async def _status(testbed: GatewayTestbed, path: str, who: str) -> int:
    async with testbed.request("GET", path, who) as response:
        return int(response.status)


def test_names_and_titles_cannot_change_the_direction_of_surrounding_text() -> None:
    old = "\u202egro.elpmaxe\u2069"
    hebrew = "\u05dc\u05d5\u05d2\u05d5"
    refund = {"status": "refunded", "amount": money(100), "updated_at": MOMENT, "reason": f"{hebrew}{old}"}
    party = {"id": "p", "display_name": old}
    paid = payment(customer=party, provider=party, service={"id": "s", "title": old}, refunds=[refund])
    line = {**statement()["lines"][0], "service_title": f"{hebrew}{old}"}
    for sheet in (
        receipt_of(paid, ENGLISH),
        statement_of(statement(provider=party, lines=[line]), ENGLISH),
    ):
        page = draw_html(sheet)
        assert "\u202e" not in page and page.count("\u2068") == page.count("\u2069") == 1
        assert f": \u2068{hebrew}gro.elpmaxe\u2069" in page
        assert draw_pdf(sheet).startswith(b"%PDF-")
