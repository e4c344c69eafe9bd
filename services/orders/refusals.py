"""The texts of refusals that name who may take a step."""

from collections.abc import Iterable

from kit.errors import Forbidden

ROLE_NAMES = {
    "customer": "the customer",
    "provider": "the provider",
    "staff": "staff",
    "system": "the system",
}
STEPS = {
    "submit": "submit an order",
    "approve": "approve an order",
    "decline": "decline an order",
    "withdraw": "withdraw an order",
    "expire": "let an order expire",
    "complete_work": "complete the work of an order",
    "request_changes": "request changes to an order",
    "confirm": "confirm an order",
    "auto_confirm": "confirm an order automatically",
    "cancel": "cancel an order",
    "open_dispute": "open a dispute about an order",
    "resolve_dispute": "resolve a dispute about an order",
}


def never_allowed(transition: str, allowed_roles: Iterable[str]) -> Forbidden:
    """Returns the refusal for somebody in none of the roles to which the transition is ever open."""
    *others, last = (ROLE_NAMES[role] for role in dict.fromkeys(allowed_roles))
    who = f"{', '.join(others)} or {last}" if others else last
    return Forbidden(f"Only {who} may {STEPS[transition]}.")
