"""What a server's log says becomes transactions that can be sent again."""

from tests.load.replay.lifecycle_statements import entries_of, renumbered, transactions_of

LOG = """\
<1.a|microtasks_orders> LOG:  statement: BEGIN
<1.b|microtasks_orders> LOG:  statement: SELECT 1
<1.a|microtasks_orders> LOG:  statement: INSERT INTO t
\tVALUES (1)
<1.c|microtasks_orders> LOG:  statement: BEGIN; EXECUTE p_1 (7); COMMIT
<1.c|microtasks_orders> DETAIL:  prepare: PREPARE p_1 AS SELECT $1
<1.d|microtasks_catalog> LOG:  statement: SELECT 2
<1.d|microtasks_catalog> ERROR:  something failed
<1.e|microtasks_orders> LOG:  statement: BEGIN
<1.e|microtasks_orders> LOG:  statement: ROLLBACK
<1.a|microtasks_orders> LOG:  statement: COMMIT
"""
KNOWN, NEW = "018f0000-0000-7000-8000-000000000001", "018f0000-0000-7000-8000-000000000002"


def test_transactions_stay_whole_and_come_in_the_order_of_their_ends() -> None:
    assert list(transactions_of(list(entries_of(LOG)), "microtasks_orders")) == [
        "SELECT 1;",
        "BEGIN \\;\nSELECT (7) \\;\nCOMMIT;",
        "BEGIN;\nINSERT INTO t\nVALUES (1);\nCOMMIT;",
    ]


def test_new_ids_vary_and_known_ones_stay() -> None:
    sent = f"UPDATE t SET a = '{NEW}' WHERE b = '{KNOWN}'"
    assert renumbered(sent, {KNOWN}, {}) == f"UPDATE t SET a = '{NEW[:24]}:run_number' WHERE b = '{KNOWN}'"


def test_rows_of_the_outbox_are_marked_by_their_events() -> None:
    sent = "UPDATE outbox SET sent_at = now() WHERE id IN (17)"
    assert renumbered(sent, set(), {"17": NEW}).endswith(
        f"IN ((SELECT id FROM outbox WHERE event_id = '{NEW[:24]}:run_number'))"
    )
