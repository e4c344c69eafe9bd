"""`microtasks ledger`: whether the money adds up."""

import click

from cli.support.operator_options import json_option, only_the_answer


@click.group()
def ledger() -> None:
    """The ledger of payments."""
    only_the_answer()


@ledger.command("reconcile")
@json_option
def reconcile_ledger(as_json: bool) -> None:
    """Proves the ledger, and lists what does not add up.

    Every currency sums to zero, each paid order has exactly one capture, balances are what their
    entries say, and the payment processor says the same of each payment. Changes nothing. Run it
    with the settings of payments. Exit code: 0 when all adds up, 1 when something does not.
    """
    from cli.operations.databases import opened
    from cli.operations.ledger import reconcile
    from cli.support.display import show_json, show_table
    from cli.support.terminal import screen

    progress = screen(stderr=True)
    with opened() as databases, progress.status("Checking the ledger") as status:
        findings = reconcile(databases, lambda what: status.update(f"Checking {what}"))
    if as_json:
        show_json(result="failed" if findings else "ok", findings=findings)
    elif findings:
        show_table(("check", "subject", "found*"), ((f.check, f.subject, f.detail) for f in findings), "")
    else:
        screen().print("The ledger adds up.")
    raise SystemExit(1 if findings else 0)
