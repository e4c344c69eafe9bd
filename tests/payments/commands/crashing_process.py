"""A process of payments that crashes: `python -m tests.payments.commands.crashing_process '<json>'`.

It runs one payment, refund or payout on the given database; `FAIL_POINT` says where SIGKILL ends it.
"""

import json
import sys
from dataclasses import asdict
from typing import Any

from chassis.runtime import failpoints
from kit.contracts import rpcs_of
from kit.security.tokens import Caller
from kit.settings import Settings, load
from services.payments import contract
from services.payments.settings import PaymentSettings
from tests.payments.testbed import FAST
from tests.support.service_harness import Harness


def task(database_url: str, caller: Caller, key: str, rpc: str, arguments: dict[str, Any]) -> str:
    """The argument of such a process, as JSON."""
    who = {**asdict(caller), "roles": sorted(caller.roles)}
    given = {"url": database_url, "caller": who, "key": key, "method": rpc, "arguments": arguments}
    return json.dumps(given)


def main() -> None:
    """Runs the task and prints the answer, unless the process crashes before."""
    given = json.loads(sys.argv[1])
    settings = load(Settings, database_url=given["url"])
    failpoints.arm(settings)
    harness = Harness("payments", settings, {}, {PaymentSettings: FAST})
    caller = Caller(**{**given["caller"], "roles": frozenset(given["caller"]["roles"])})
    method = next(rpc for rpc in rpcs_of(contract) if rpc.method == given["method"])
    print(json.dumps(harness.call_as(caller, method, key=given["key"], **given["arguments"])))  # noqa: T201


if __name__ == "__main__":
    main()
