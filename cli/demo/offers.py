"""What the demo's providers offer, and what people ask of each service (in offers.json)."""

import json
from dataclasses import dataclass
from pathlib import Path

from client.resources import Money


@dataclass(frozen=True)
class Offer:
    """One service; `provider` is a handle, `briefs` are things its customers want."""

    provider: str
    category: str
    title: str
    description: str
    price_minor: int
    currency: str
    delivery_days: int
    revisions: int
    briefs: tuple[str, ...]

    @property
    def price(self) -> Money:
        """As the API writes it."""
        return Money(amount=self.price_minor, currency=self.currency)


def offers() -> list[Offer]:
    """All services of the demo."""
    rows = json.loads((Path(__file__).parent / "offers.json").read_text(encoding="utf-8"))
    return [Offer(**{**row, "briefs": tuple(row["briefs"])}) for row in rows]
