"""A process of payments that dies on its way: `python -m tests.payments.commands.crashing_process '<json>'`.

It takes one payment, refund or payout on the database it is told of; `FAIL_POINT` says where it
ends, by SIGKILL.
"""

import json
import sys
from dataclasses import asdict
from typing import Any

from chassis.runtime import failpoints
from kit.contracts import rpcs_of
from kit.settings import Settings, load
from kit.tokens import Caller
from services.payments import contract
from services.payments.settings import PaymentSettings
from tests.payments.world import FAST
from tests.support.service_harness import Harness


def task(database_url: str, caller: Caller, key: str, rpc: str, arguments: dict[str, Any]) -> str:
    """What such a process is told, as JSON."""
    who = {**asdict(caller), "roles": sorted(caller.roles)}
    told = {"url": database_url, "caller": who, "key": key, "method": rpc, "arguments": arguments}
    return json.dumps(told)


def main() -> None:
    """Does what it is told and prints the answer, unless it dies before."""
    told = json.loads(sys.argv[1])
    settings = load(Settings, database_url=told["url"])
    failpoints.arm(settings)
    harness = Harness("payments", settings, {}, {PaymentSettings: FAST})
    caller = Caller(**{**told["caller"], "roles": frozenset(told["caller"]["roles"])})
    method = next(rpc for rpc in rpcs_of(contract) if rpc.method == told["method"])
    print(json.dumps(harness.call_as(caller, method, key=told["key"], **told["arguments"])))  # noqa: T201


if __name__ == "__main__":
    main()
