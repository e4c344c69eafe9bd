"""The Python client of the marketplace's public HTTP API."""

from client.marketplace import MarketplaceClient
from client.problem import Problem, Unreachable

__all__ = ["MarketplaceClient", "Problem", "Unreachable"]
