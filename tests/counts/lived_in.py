"""A customer and a provider with something in every list."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from client import MarketplaceClient
from tests.journeys.walk import begin, person, post_service, wait_for
from tests.support.stack import Stack


@dataclass
class LivedIn:
    """Two people, and the completed, paid and reviewed order between them."""

    customer: MarketplaceClient
    provider: MarketplaceClient
    order_id: str
    service_id: str

    @property
    def provider_id(self) -> str:
        """The provider's account."""
        assert self.provider.session is not None
        return self.provider.session["account"]["id"]


@asynccontextmanager
async def lived_in(stack: Stack) -> AsyncIterator[LivedIn]:
    """Two orders, one of them through its whole lifecycle, and two of everything that lists show."""
    async with person(stack.url, "Customer") as customer, person(stack.url, "Provider") as provider:
        walk = await begin(customer, provider)
        order_id, service_id = walk.order["id"], walk.order["service"]["id"]
        await customer.submit_order(service_id, "One more page.")
        await post_service(provider)
        for text in ("Hello?", "Still there?"):
            await customer.post_message(order_id, text)
        await provider.transition(order_id, "approve")
        await provider.transition(order_id, "complete_work")
        await customer.transition(order_id, "confirm")
        await _paid(customer, order_id)
        await customer.submit_review(order_id, 5, "Careful.")
        await walk.expect_notification(provider, "review_submitted")
        yield LivedIn(customer, provider, order_id, service_id)


async def _paid(customer: MarketplaceClient, order_id: str) -> None:
    async def payment_status_is_paid() -> bool:
        return (await customer.order(order_id))["payment_status"] == "paid"

    await customer.pay_order(order_id, "sandbox_ok")
    await wait_for(payment_status_is_paid, "the payment in the order")
