"""What operators inspect and fix: failed events, outboxes, dead letters, orders and queues.

These commands use databases and broker directly; no service needs to run.
"""
