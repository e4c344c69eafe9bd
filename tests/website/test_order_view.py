"""What the order's page shows where two services know of a thing at different moments."""

from typing import cast

import pytest

from client.resources import Order, Payment
from website.pages.orders.order_view import with_newest_payment

ORDER = cast(Order, {"id": "o", "payment_status": "processing"})


@pytest.mark.parametrize(
    ("statuses", "shown"),
    [
        ((), "processing"),
        (("failed",), "failed"),
        (("paid", "failed"), "paid"),
        (("requires_action", "failed"), "processing"),
        (("partly_refunded",), "partly_refunded"),
    ],
)
def test_the_page_shows_the_newest_payment_before_the_order_has_heard_of_it(
    statuses: tuple[str, ...], shown: str
) -> None:
    payments = [cast(Payment, {"status": status}) for status in statuses]
    assert with_newest_payment(ORDER, payments)["payment_status"] == shown
