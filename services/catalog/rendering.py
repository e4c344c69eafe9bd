"""Rows as the answers and events of the contract."""

from typing import Any

from sqlalchemy import Row

from kit.validation import rfc3339
from services.catalog.access import available_actions, is_orderable
from services.catalog.types import Category, Offer, Service, ServiceChangedFields


def render_category(row: Row[Any]) -> Category:
    """Returns a row of categories as the contract's `Category`."""
    return {"id": row.id, "name": row.name}


def render_service(row: Row[Any]) -> Service:
    """Returns a row of services as the contract's `Service`."""
    return {
        "id": row.id,
        "title": row.title,
        "description": row.description,
        "category": row.category,
        "price": {"amount": row.price_minor, "currency": row.currency},
        "delivery_days": row.delivery_days,
        "revisions": row.revisions,
        "status": row.status,
        "provider": {"id": row.provider_id, "display_name": row.provider_name},
        "rating": {
            "average": row.rating_average if row.rating_count else None,
            "count": row.rating_count,
        },
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
        "version": row.version,
        "available_actions": available_actions(row.status),
        "orderable": is_orderable(row.status),
    }


def render_offer(row: Row[Any]) -> Offer:
    """Returns a row of services as the contract's `Offer`."""
    return {
        "service_id": row.id,
        "service_version": row.version,
        "title": row.title,
        "price": {"amount": row.price_minor, "currency": row.currency},
        "delivery_days": row.delivery_days,
        "revisions": row.revisions,
        "status": row.status,
        "provider": {"id": row.provider_id, "display_name": row.provider_name},
    }


def render_service_changed(row: Row[Any]) -> ServiceChangedFields:
    """Returns the fields of the event `service_changed`."""
    return {
        "service_id": row.id,
        "provider_id": row.provider_id,
        "service_version": row.version,
        "offer": render_offer(row) if row.public else None,
    }
