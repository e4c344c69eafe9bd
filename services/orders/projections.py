"""Projections of other services' data: display names, offers, and the state of an order's payment."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Uuid, bindparam, literal, select, text, union_all
from sqlalchemy.dialects.postgresql import Insert, insert

from chassis.storage.projections import save_if_newer
from services.accounts.types import AccountNamed
from services.catalog.types import Offer, ServiceChanged
from services.orders.models import ACCOUNT_NAMES, OFFERS
from services.payments.types import PaymentChanged

_ID = Uuid(as_uuid=False)
_TERMS = ("provider_id", "title", "price_minor", "currency", "delivery_days", "revisions", "status")


def save_display_name(connection: Connection, event: AccountNamed) -> None:
    """Stores the display name of an account event, unless a newer one is known."""
    name = {
        "account_id": event["account_id"],
        "display_name": event["display_name"],
        "account_version": event["account_version"],
    }
    save_if_newer(connection, ACCOUNT_NAMES, name, key=("account_id",), version="account_version")


def insert_unknown_names(*people: str) -> Insert:
    """Inserts names known from a token or an offer, as version 0, unless the account has a name.

    Parameters for each of the people: `<person>_id`, `<person>_name`. They are locked in this order.
    """
    rows = (
        select(
            bindparam(f"{person}_id", type_=_ID),
            bindparam(f"{person}_name", type_=ACCOUNT_NAMES.c.display_name.type),
            literal(0),
        )
        for person in people
    )
    columns = (ACCOUNT_NAMES.c.account_id, ACCOUNT_NAMES.c.display_name, ACCOUNT_NAMES.c.account_version)
    return insert(ACCOUNT_NAMES).from_select(columns, union_all(*rows)).on_conflict_do_nothing()


INSERT_PROVIDER_NAME = insert_unknown_names("provider")


def save_published_offer(connection: Connection, event: ServiceChanged) -> None:
    """Stores the offer of a `service_changed`, unless a newer one is known.

    An event without one makes the offer unknown, as of the event's version.
    """
    offer = event.get("offer")
    if offer is not None:
        save_offer(connection, offer)
        return
    _save_terms(connection, event["service_id"], event["service_version"], dict.fromkeys(_TERMS))


def save_offer(connection: Connection, offer: Offer) -> None:
    """Stores what catalog offers, unless a newer offer is known or this one does not say how new it is."""
    if "service_version" not in offer:
        return
    provider, price = offer["provider"], offer["price"]
    name = {"provider_id": provider["id"], "provider_name": provider["display_name"]}
    connection.execute(INSERT_PROVIDER_NAME, name)
    terms = {
        "provider_id": provider["id"],
        "title": offer["title"],
        "price_minor": price["amount"],
        "currency": price["currency"],
        "delivery_days": offer["delivery_days"],
        "revisions": offer["revisions"],
        "status": offer["status"],
    }
    _save_terms(connection, offer["service_id"], offer["service_version"], terms)


def offer_of(row: Mapping[Any, Any]) -> Offer | None:
    """Returns the offer that a row holds beside its provider's name; None while its terms are not known."""
    if row["provider_id"] is None:
        return None
    return {
        "service_id": row["service_id"],
        "service_version": row["service_version"],
        "title": row["title"],
        "price": {"amount": row["price_minor"], "currency": row["currency"]},
        "delivery_days": row["delivery_days"],
        "revisions": row["revisions"],
        "status": row["status"],
        "provider": {"id": row["provider_id"], "display_name": row["provider_name"]},
    }


def _save_terms(connection: Connection, service_id: str, version: int, terms: dict[str, Any]) -> None:
    row = {"service_id": service_id, "service_version": version, **terms}
    unknown = OFFERS.c.status.is_(None)
    save_if_newer(connection, OFFERS, row, key=("service_id",), version="service_version", incomplete=unknown)


SAVE_PAYMENT_STATUS = text("""
    UPDATE orders
    SET payment_status = :payment_status, payment_version = :payment_version, payment_due_at = :due_at
    WHERE id = :order_id AND payment_version < :payment_version
""")


def save_payment_status(connection: Connection, event: PaymentChanged) -> None:
    """Stores the status and due date of a `payment_changed`, unless a newer one is known.

    This does not edit the order: its `version` and `updated_at` stay.
    """
    payment = {
        "order_id": event["order_id"],
        "payment_status": event["payment_status"],
        "payment_version": event["payment_version"],
        "due_at": event["due_at"],
    }
    connection.execute(SAVE_PAYMENT_STATUS, payment)
