"""What people do in the tests of catalog, in a line each."""

from typing import Any

from kit.contracts import Rpc
from kit.security.tokens import Caller
from services.catalog import contract
from tests.support.service_harness import Harness, person

LISTING: dict[str, Any] = {
    "title": "Proofreading of short texts",
    "description": "I read your text twice and mark every slip.",
    "category": "writing",
    "price": {"amount": 4500, "currency": "EUR"},
    "delivery_days": 3,
    "revisions": 1,
}

# As a process of the release before search terms inserts and changes.
INSERT_BEFORE_TERMS = """
    INSERT INTO services (id, provider_id, provider_name, title, description, category, price_minor, currency,
        delivery_days, revisions, status, public)
    SELECT gen_random_uuid(), gen_random_uuid(), 'Zoë', :title, 'With patience, in an hour or two.',
        'writing', 100, 'EUR', 1, 0, 'active', true FROM generate_series(1, :times)
"""
CHANGE_BEFORE_TERMS = "UPDATE services SET title = :title, version = version + 1 WHERE id = CAST(:id AS uuid)"


class Market:
    """Catalog with people in front of it."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.ada = person("Ada")
        self.bob = person("Bob")

    def call(self, caller: Caller | None, method: Rpc, **arguments: Any) -> Any:
        """What the gateway would call."""
        return self.harness.call_as(caller, method, **arguments)

    def post(self, caller: Caller | None = None, **changes: Any) -> dict[str, Any]:
        """A service, Ada's unless said."""
        posted: dict[str, Any] = self.call(
            caller or self.ada, contract.POST_SERVICE, **{**LISTING, **changes}
        )
        return posted

    def change(
        self,
        service: dict[str, Any],
        caller: Caller | None = None,
        version: int | None = None,
        **changes: Any,
    ) -> dict[str, Any]:
        """A change of the version seen last, by Ada unless said."""
        changed: dict[str, Any] = self.call(
            caller or self.ada,
            contract.CHANGE_SERVICE,
            service_id=service["id"],
            expected_version=version or service["version"],
            **changes,
        )
        return changed

    def archive(
        self, service: dict[str, Any], caller: Caller | None = None, version: int | None = None, **named: Any
    ) -> Any:
        """The end of a service, by Ada unless said."""
        return self.call(
            caller or self.ada,
            contract.ARCHIVE_SERVICE,
            service_id=service["id"],
            expected_version=version or service["version"],
            **named,
        )

    def get(self, service: dict[str, Any], caller: Caller | None = None) -> dict[str, Any]:
        """The service as somebody sees it, as a stranger unless said."""
        found: dict[str, Any] = self.call(caller, contract.GET_SERVICE, service_id=service["id"])
        return found

    def search(self, **query: Any) -> dict[str, Any]:
        """A page of a search."""
        page: dict[str, Any] = self.call(None, contract.SEARCH_SERVICES, **query)
        return page

    def titles(self, **query: Any) -> list[str]:
        """The titles on one page of a search."""
        return [service["title"] for service in self.search(**query)["data"]]

    def every(
        self, method: Rpc = contract.SEARCH_SERVICES, caller: Caller | None = None, **query: Any
    ) -> list[str]:
        """The ids of a whole list, read page after page."""
        found: list[str] = []
        cursor = None
        while True:
            page = self.call(caller, method, **query, cursor=cursor)
            assert len(page["data"]) <= query.get("limit", 20)
            found += [item["id"] for item in page["data"]]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def rate(self, service: dict[str, Any], average: float, count: int = 1) -> None:
        """Sets a rating as it would be after an event."""
        self.harness.execute(
            "UPDATE services SET rating_average = :average, rating_count = :count"
            " WHERE id = CAST(:id AS uuid)",
            average=average,
            count=count,
            id=service["id"],
        )
