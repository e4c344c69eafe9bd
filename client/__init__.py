"""The Python client of the marketplace's public HTTP API: asyncio, typed, one method per route.

    async with MarketplaceClient("http://127.0.0.1:8000") as me:
        await me.sign_in("you@example.com", "a long pass phrase")
        found = await me.search_services(q="logo", sort="relevance")
        order = await me.submit_order(found["data"][0]["id"], "Black and white, please.")
        try:
            await me.transition(order["id"], "confirm")
        except Problem as problem:          # 409: the work is not completed
            print(problem.code, problem.available_transitions)
        async for event in me.events():     # live, until the loop is left
            print(event["type"], event["data"])

Answers are the API's JSON, typed in `client.resources`; filters and changes in `client.arguments`.
A client is one person's: it keeps the session and renews it. Writes carry an idempotency key, so
what is repeated after a lost answer takes effect once.
"""

from client.marketplace import MarketplaceClient
from client.problem import Problem, Unreachable

__all__ = ["MarketplaceClient", "Problem", "Unreachable"]
