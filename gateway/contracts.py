"""The contracts of the services behind the gateway."""

from collections.abc import Iterable

from kit.contracts import Event, events_of, onward_methods
from services.accounts import contract as accounts
from services.catalog import contract as catalog
from services.messaging import contract as messaging
from services.orders import contract as orders
from services.payments import contract as payments
from services.reviews import contract as reviews

CONTRACTS = (accounts, catalog, orders, messaging, reviews, payments)
# The methods that a service calls on its caller's behalf, and needs tokens for.
ONWARD_METHODS = onward_methods(CONTRACTS)


def live_events() -> Iterable[Event]:
    """Every event that gateways receive."""
    return (event for contract in CONTRACTS for event in events_of(contract) if event.live)
