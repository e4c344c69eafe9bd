"""What a service's password is good for: all else must be refused by the servers."""

from services.registry import calls_of

LEAST_REFUSED = 40


def allowed_at_the_broker(service: str) -> set[str]:
    """The attempts of `intruder` that are the service's own business, or harm nobody.

    A caller may dead-letter into `dead-letters`: it may write there anyway.
    """
    own = {f"publish {service}.events", f"reply as {service}", "check whether a queue exists"}
    calls = {f"call {method.routing_key}" for method in calls_of(service)}
    receives = {f"receive reply.*.{service}-1", "dead-letter to 'dead-letters'"} if calls else set()
    return own | calls | receives
