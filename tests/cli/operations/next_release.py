"""The `microtasks` command of the next release: it knows version 2 of an event, without one of its fields."""

import sys

from chassis.runtime.green import go_green

if "serve" in sys.argv:
    go_green()

from cli.__main__ import main
from services.orders import contract

object.__setattr__(contract.ORDER_STATUS_CHANGED, "version", 2)
del contract.OrderStatusChanged._declared_fields["price"]
main()
