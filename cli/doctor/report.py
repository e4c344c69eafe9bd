"""The findings on the screen, or as JSON."""

import dataclasses
import json
from collections.abc import Collection, Sequence

import click
from rich.table import Table

from cli.doctor.checks import Finding, Result
from cli.doctor.runner import examine
from cli.support.terminal import screen, shown

STYLES = {Result.OK: "green", Result.WARNING: "yellow", Result.FAILED: "bold red"}
WORST_FIRST = (Result.FAILED, Result.WARNING, Result.OK)


def run_doctor(services: Collection[str], url: str, site: str, within_seconds: float, as_json: bool) -> int:
    """Looks at everything and shows it; the exit code is 1 when something failed."""
    with screen(stderr=True).status("Looking ..."):
        findings = examine(services, url, within_seconds, site)
    worst = next((result for result in WORST_FIRST if _count(findings, result)), Result.OK)
    if as_json:
        listed = [dataclasses.asdict(finding) for finding in findings]
        click.echo(json.dumps({"result": worst, "findings": listed}, indent=2))
    else:
        console = screen()
        console.print(_table(findings))
        console.print(_summary(findings))
    return 1 if worst is Result.FAILED else 0


def _count(findings: Sequence[Finding], result: Result) -> int:
    return sum(finding.result is result for finding in findings)


def _summary(findings: Sequence[Finding]) -> str:
    bad, worrying = _count(findings, Result.FAILED), _count(findings, Result.WARNING)
    if not bad and not worrying:
        return "[green]All is well.[/green]"
    return f"{bad} failed, {worrying} to look at, {_count(findings, Result.OK)} ok."


def _table(findings: Sequence[Finding]) -> Table:
    table = Table(expand=True)
    table.add_column("subject", no_wrap=True)
    table.add_column("result", no_wrap=True)
    table.add_column("found", overflow="fold", ratio=3)
    table.add_column("what to do", overflow="fold", ratio=2)
    for subject in dict.fromkeys(finding.subject for finding in findings):
        of_subject = [finding for finding in findings if finding.subject == subject]
        for finding in of_subject:
            if finding.result is not Result.OK:
                _row(table, subject, finding.result, f"{finding.check}: {finding.found}", finding.advice)
        well = [f"{finding.check}: {finding.found}" for finding in of_subject if finding.result is Result.OK]
        if well:
            _row(table, subject, Result.OK, "; ".join(well), "")
    return table


def _row(table: Table, subject: str, result: Result, found: str, advice: str) -> None:
    style = STYLES[result]
    table.add_row(shown(subject), f"[{style}]{result}[/{style}]", shown(found), shown(advice))
