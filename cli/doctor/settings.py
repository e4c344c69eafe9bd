"""Whether processes would start with this environment, and understand each other."""

import re
from collections.abc import Collection, Iterator

from cli.doctor.checks import Finding, failed, ok, warning
from cli.operations.configuration import COMMON, problems
from kit.security.tokens import verifying_keys
from kit.settings import BadSetting, Settings, load, raw_value
from services.accounts.credentials.signing import Signer
from services.accounts.settings import AccountSettings

SUBJECT = "settings"
ACCOUNTS, GATEWAY = "accounts", "gateway"
WITH_OWN_SECRETS = (ACCOUNTS, "payments")


def examine_settings(services: Collection[str]) -> Iterator[Finding]:
    """Looks at the settings of every process, of `services` and of the gateway."""
    looked_at = (COMMON, GATEWAY, *services)
    wrong = {group: problem for group, problem in problems().items() if group in looked_at}
    for group, problem in wrong.items():
        yield _refused(group, problem)
    if COMMON in wrong:
        return
    if not wrong:
        yield ok(SUBJECT, "values", "every process can start with them")
    settings = load(Settings)
    yield _environment(settings)
    if len(services) > 1 and "{service}" not in settings.database_url:
        yield warning(
            SUBJECT,
            "databases",
            "DATABASE_URL names one database for all services.",
            "Put {service} where the service's name belongs, or look at one service: doctor orders",
        )
    if ACCOUNTS in services and ACCOUNTS not in wrong:
        yield from _keys(settings)


def _refused(group: str, problem: str) -> Finding:
    variables = re.findall(r"(?:^|; )([A-Z][A-Z_]+):", problem)
    if group in WITH_OWN_SECRETS and variables and not any(map(raw_value, variables)):
        advice = f"Only the {group} process needs it: look there, or set {', '.join(variables)} here too."
        return warning(SUBJECT, group, problem, advice)
    return failed(SUBJECT, group, problem, "Fix the variable; `microtasks config` explains each.")


def _environment(settings: Settings) -> Finding:
    if settings.is_production:
        return ok(SUBJECT, "environment", "production: weak secrets and test payments are refused")
    return ok(SUBJECT, "environment", "development: weak secrets and test payments are allowed")


def _keys(settings: Settings) -> Iterator[Finding]:
    """The key accounts signs with must be among those that everybody verifies with."""
    if settings.token_public_keys and not raw_value("TOKEN_SIGNING_KEY"):
        return  # another process's secret
    try:
        signs_with = Signer(load(AccountSettings).token_signing_key).public_key
    except BadSetting:
        return  # reported with its group
    if signs_with in verifying_keys(settings).split():
        yield ok(SUBJECT, "keys", "what accounts signs is verified everywhere")
    else:
        advice = f"Add {signs_with} to TOKEN_PUBLIC_KEYS of every process."
        yield failed(SUBJECT, "keys", "TOKEN_PUBLIC_KEYS lacks the key accounts signs with.", advice)
