"""The catalog process: categories, services and their search."""

from typing import Any

from sqlalchemy import Connection

from chassis.amqp.event_consumer import on_event
from chassis.amqp.relay import Relay
from chassis.amqp.rpc_server import rpc
from chassis.runtime.context import CallContext
from chassis.runtime.settings_provider import SettingsProvider
from chassis.runtime.timers import every
from chassis.storage.database import Database
from chassis.storage.idempotency import run_idempotently
from services.accounts.contract import ACCOUNT_REGISTERED, ACCOUNT_UPDATED
from services.catalog import contract, indexing, queries, search
from services.catalog import projections as facts
from services.catalog.commands import change_service as posting
from services.catalog.settings import CatalogSettings
from services.reviews.contract import RATING_CHANGED

Json = Any


class CatalogService:
    """Providers post services here, everybody finds them."""

    name = "catalog"
    db = Database()
    call = CallContext()
    relay = Relay()
    settings = SettingsProvider(CatalogSettings)

    @rpc(contract.LIST_CATEGORIES)
    def list_categories(self, limit: int, cursor: str | None) -> Json:
        """The categories."""
        return self.db.read(lambda connection: queries.list_categories(connection, limit, cursor))

    @rpc(contract.SEARCH_SERVICES)
    def search_services(self, **query: Any) -> Json:
        """Active services."""
        return self.db.read(lambda connection: search.search_services(connection, **query))

    @rpc(contract.GET_SERVICE)
    def get_service(self, service_id: str) -> Json:
        """A service, as the caller may see it."""
        caller = self.call.account_or_none
        caller_id = caller.id if caller else None
        return self.db.read(lambda connection: queries.get_service(connection, service_id, caller_id))

    @rpc(contract.GET_OFFER)
    def get_offer(self, service_id: str) -> Json:
        """What an order must keep of a service."""
        return self.db.read(lambda connection: queries.get_offer(connection, service_id))

    @rpc(contract.LIST_OWN_SERVICES)
    def list_own_services(self, status: str | None, limit: int, cursor: str | None) -> Json:
        """The caller's services."""
        caller = self.call.account
        return self.db.read(
            lambda connection: queries.list_own_services(connection, caller.id, status, limit, cursor)
        )

    @rpc(contract.POST_SERVICE)
    def post_service(self, **fields: Any) -> Json:
        """A new service of the caller."""
        caller = self.call.account

        def post(connection: Connection) -> Json:
            quota = self.settings.services_per_account
            return posting.post_service(connection, caller.id, caller.display_name, fields, quota)

        return run_idempotently(self.db, self.call, post)

    @rpc(contract.CHANGE_SERVICE)
    def change_service(self, service_id: str, expected_version: int | None, **fields: Any) -> Json:
        """The caller's service, changed."""
        caller = self.call.account

        def change(connection: Connection) -> Json:
            return posting.change_service(connection, service_id, caller.id, expected_version, fields)

        return run_idempotently(self.db, self.call, change)

    @rpc(contract.ARCHIVE_SERVICE)
    def archive_service(self, service_id: str, expected_version: int | None) -> None:
        """Ends the caller's service."""
        caller = self.call.account

        def archive(connection: Connection) -> None:
            posting.archive_service(connection, service_id, caller.id, expected_version)

        run_idempotently(self.db, self.call, archive)

    @on_event(ACCOUNT_REGISTERED)
    def on_account_registered(self, connection: Connection, event: Json) -> None:
        """A name to post under."""
        self._learn_name(connection, event)

    @on_event(ACCOUNT_UPDATED)
    def on_account_updated(self, connection: Connection, event: Json) -> None:
        """Perhaps another name."""
        self._learn_name(connection, event)

    @on_event(RATING_CHANGED)
    def on_rating_changed(self, connection: Connection, event: Json) -> None:
        """Perhaps another rating of a service."""
        facts.learn_rating(connection, event)

    @every(lambda settings: settings.timer_seconds)
    def index_services(self) -> None:
        """Computes the search terms of services that have none, or those of an earlier release."""
        while self.db.write(indexing.index_stale_services):
            pass

    @staticmethod
    def _learn_name(connection: Connection, event: Json) -> None:
        facts.learn_name(connection, event["account_id"], event["display_name"], event["account_version"])
