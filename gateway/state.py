"""The state that all requests of a gateway share."""

from typing import Any

from aiohttp import web

from gateway.cache import Cache
from gateway.documents.rendering import DocumentRenderer
from gateway.http.access_log import create_access_log
from gateway.http.client_ip import ClientAddresses
from gateway.http.cors import Cors
from gateway.security.authentication import Authenticator
from gateway.security.rate_limits import RateLimits
from gateway.security.revocations import Revocations
from gateway.settings import GatewaySettings
from gateway.streaming.hub import Hub
from gateway.upstream.event_feed import EventFeed
from gateway.upstream.rpc_client import RpcClient
from kit.security.tokens import Verifier, verifying_keys
from services.accounts.contract import SESSION_REVOKED
from services.catalog.contract import SERVICE_CHANGED


class Gateway:
    """Everything a request may need. `openapi` is the OpenAPI document as JSON."""

    def __init__(self, settings: GatewaySettings, rpc: RpcClient, feed: EventFeed, openapi: bytes) -> None:
        self.settings = settings
        self.rpc = rpc
        self.feed = feed
        self.openapi = openapi
        self.revocations = Revocations(rpc)
        verifier = Verifier(verifying_keys(settings), audience_required=settings.token_audience_required)
        self.authenticator = Authenticator(verifier, self.revocations)
        self.client_addresses = ClientAddresses(settings.trusted_networks)
        self.rate_limits = RateLimits(settings)
        self.cors = Cors(settings.allowed_origins)
        self.cache = Cache(settings.cache_seconds, settings.cache_entries)
        self.hub = Hub(settings)
        self.documents = DocumentRenderer()
        self.access_log = create_access_log(settings)
        self.is_listening = False
        self.is_draining = False

    @property
    def is_ready(self) -> bool:
        """Whether requests should be sent here."""
        return not self.is_draining and self.rpc.is_ready and self.feed.is_ready

    def receive_event(self, event_type: str, event: dict[str, Any]) -> None:
        """Applies one live event to the cache, the revoked sessions and the event streams."""
        if event_type == SERVICE_CHANGED.type:
            self.cache.drop_service(event["service_id"])
        elif event_type == SESSION_REVOKED.type:
            self.authenticator.revoke(event)
            self.hub.close_sessions(event["account_id"], event["session_ids"])
        self.hub.publish(event_type, event)

    def sign_out(self, account_id: str, session_id: str) -> None:
        """Revokes a session that was closed through this gateway, before its event arrives."""
        self.revocations.add_now(session_id)
        self.hub.close_sessions(account_id, [session_id])

    def resynchronize(self) -> None:
        """Discards what missed events may have changed; called whenever the feed has (re)connected."""
        self.cache.clear()
        self.hub.resynchronize()
        self.revocations.load_in_background()


GATEWAY = web.AppKey("gateway", Gateway)
