"""The catalog process: categories, services and their search."""

from typing import Any

from sqlalchemy import Connection

from chassis.amqp.event_consumer import on_event
from chassis.amqp.relay import Relay
from chassis.amqp.rpc_server import rpc
from chassis.runtime.context import Call, CallContext
from chassis.runtime.settings_provider import SettingsProvider
from chassis.runtime.timers import every
from chassis.storage.database import Database, Db
from chassis.storage.idempotency import run_idempotently
from kit.paging import Page
from services.accounts.contract import ACCOUNT_REGISTERED, ACCOUNT_UPDATED
from services.accounts.types import AccountNamed
from services.catalog import contract, indexing, projections, queries, search
from services.catalog.commands.archive_service import archive_service
from services.catalog.commands.change_service import change_service
from services.catalog.commands.post_service import post_service
from services.catalog.search import SearchFilters
from services.catalog.settings import CatalogSettings
from services.catalog.types import Category, Offer, Service
from services.reviews.contract import RATING_CHANGED
from services.reviews.types import RatingChanged


class CatalogService:
    """Providers post services here, everybody finds them."""

    name = "catalog"
    db: Db = Database()
    call: Call = CallContext()
    relay = Relay()
    settings = SettingsProvider(CatalogSettings)

    @rpc(contract.LIST_CATEGORIES)
    def list_categories(self, limit: int, cursor: str | None) -> Page[Category]:
        """Returns a page of the categories."""
        return self.db.read(lambda c: queries.list_categories(c, limit, cursor))

    @rpc(contract.SEARCH_SERVICES)
    def search_services(self, limit: int, cursor: str | None, sort: str, **filters: Any) -> Page[Service]:
        """Returns a page of the active services that match."""
        wanted = SearchFilters(**filters)
        return self.db.read(lambda c: search.search_services(c, wanted, sort, limit, cursor))

    @rpc(contract.GET_SERVICE)
    def get_service(self, service_id: str) -> Service:
        """Returns a service as the caller may see it."""
        caller = self.call.account_or_none
        return self.db.read(lambda c: queries.get_service(c, service_id, caller))

    @rpc(contract.GET_OFFER)
    def get_offer(self, service_id: str) -> Offer:
        """Returns what an order stores of a service."""
        return self.db.read(lambda c: queries.get_offer(c, service_id))

    @rpc(contract.LIST_OWN_SERVICES)
    def list_own_services(self, status: str | None, limit: int, cursor: str | None) -> Page[Service]:
        """Returns a page of the caller's services."""
        caller = self.call.account
        return self.db.read(lambda c: queries.list_own_services(c, caller, status, limit, cursor))

    @rpc(contract.POST_SERVICE)
    def post_service(self, **fields: Any) -> Service:
        """Posts a service of the caller's."""
        caller, settings = self.call.account, self.settings
        return run_idempotently(self.db, self.call, lambda c: post_service(c, caller, fields, settings))

    @rpc(contract.CHANGE_SERVICE)
    def change_service(self, service_id: str, expected_version: int | None, **fields: Any) -> Service:
        """Changes a service of the caller's."""
        caller = self.call.account
        return run_idempotently(
            self.db, self.call, lambda c: change_service(c, caller, service_id, expected_version, fields)
        )

    @rpc(contract.ARCHIVE_SERVICE)
    def archive_service(self, service_id: str, expected_version: int | None) -> None:
        """Archives a service of the caller's for good."""
        caller = self.call.account
        run_idempotently(
            self.db, self.call, lambda c: archive_service(c, caller, service_id, expected_version)
        )

    @on_event(ACCOUNT_REGISTERED)
    def on_account_registered(self, connection: Connection, event: AccountNamed) -> None:
        """Stores a new account's display name."""
        projections.save_display_name(connection, event)

    @on_event(ACCOUNT_UPDATED)
    def on_account_updated(self, connection: Connection, event: AccountNamed) -> None:
        """Stores an account's changed display name, also in their services."""
        projections.save_display_name(connection, event)

    @on_event(RATING_CHANGED)
    def on_rating_changed(self, connection: Connection, event: RatingChanged) -> None:
        """Stores a service's changed rating."""
        projections.save_rating(connection, event)

    @every(lambda settings: settings.timer_seconds)
    def index_services(self) -> None:
        """Computes the search terms of services that have none, or those of an earlier release."""
        indexing.index_stale_services(self.db)
