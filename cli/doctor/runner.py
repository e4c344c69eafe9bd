"""Runs all examinations in parallel, each within the time allowed."""

import threading
import time
from collections.abc import Callable, Collection, Iterable

from cli.doctor.broker import examine_broker
from cli.doctor.checks import Finding, failed
from cli.doctor.databases import examine_database
from cli.doctor.endpoints import examine_gateway, examine_site
from cli.doctor.settings import examine_settings
from kit.settings import BadSetting, Settings, load

Examine = Callable[[], Iterable[Finding]]


def examine(services: Collection[str], url: str, within_seconds: float, site: str = "") -> list[Finding]:
    """Examines settings, broker, databases, gateway and, if one is named, the web site; takes
    `within_seconds` at the most."""
    findings = list(examine_settings(services))
    subjects: dict[str, Examine] = {}
    try:
        settings = load(Settings)
    except BadSetting:
        advice = "Fix the settings first."
        findings.append(failed("broker", "reachable", "not examined: its address is unknown", advice))
        findings.append(failed("databases", "reachable", "not examined: their address is unknown", advice))
    else:
        subjects["broker"] = lambda: examine_broker(settings, services)
        for service in services:
            subjects[f"{service} database"] = _database(settings, service)
    subjects["gateway"] = lambda: examine_gateway(url)
    if site:
        subjects["site"] = lambda: examine_site(site)
    return findings + side_by_side(subjects, within_seconds)


def _database(settings: Settings, service: str) -> Examine:
    return lambda: examine_database(settings, service)


def side_by_side(subjects: dict[str, Examine], within_seconds: float) -> list[Finding]:
    """Runs all examinations at once; of those that hang, returns what they have found so far."""
    give_up_at = time.monotonic() + within_seconds
    examinations = [_Examination(subject, examination) for subject, examination in subjects.items()]
    for examination in examinations:
        examination.start()
    for examination in examinations:
        examination.join(max(0.0, give_up_at - time.monotonic()))
    return [finding for examination in examinations for finding in examination.findings(within_seconds)]


class _Examination(threading.Thread):
    """One subject's examination; a daemon, so that one that hangs does not keep the process."""

    def __init__(self, subject: str, examine: Examine) -> None:
        super().__init__(name=subject, daemon=True)
        self._subject = subject
        self._examine = examine
        self._found: list[Finding] = []

    def run(self) -> None:
        """Stores each finding as it is made."""
        try:
            for finding in self._examine():
                self._found.append(finding)
        except Exception as error:  # whatever is broken here, the other subjects still count
            said = f"{type(error).__name__}: {error}"
            self._found.append(failed(self._subject, "examination", said, "Please report this as a defect."))

    def findings(self, within_seconds: float) -> list[Finding]:
        """What was found, and that there was no more time when there was none."""
        found = list(self._found)
        if self.is_alive():
            said = f"No answer within {within_seconds:g} s."
            found.append(
                failed(self._subject, "examination", said, "It hangs: check the network and the server.")
            )
        return found
