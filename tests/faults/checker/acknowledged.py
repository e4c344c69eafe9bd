"""Whatever was acknowledged happened once, what was refused never, and nothing that nobody asked for."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import groupby

from tests.faults.checker.finding import Evidence, Finding, Rows
from tests.faults.load.request_log import MARK, Attempt
from tests.support import codebase

Effects = dict[str, list[str]]  # the ids of what carries a mark

# Where each kind of attempt leaves its mark: service, query of id and text.
MARKED = {
    "account": (
        "accounts",
        "SELECT body->>'account_id', body->>'display_name' FROM outbox WHERE type = 'account_registered'",
    ),
    "rename": (
        "accounts",
        "SELECT body->>'account_id', body->>'display_name' FROM outbox WHERE type = 'account_updated'",
    ),
    "service": ("catalog", "SELECT id::text, title FROM services"),
    "order": ("orders", "SELECT id::text, requirements FROM orders"),
    "transition": (
        "orders",
        "SELECT order_id::text, note FROM order_history WHERE sequence > 1 AND actor_role <> 'system'",
    ),
    "message": ("messaging", "SELECT id::text, body FROM messages"),
    "review": ("reviews", "SELECT id::text, text FROM reviews"),
    "reply": ("reviews", "SELECT id::text, reply_text FROM reviews WHERE reply_text IS NOT NULL"),
}
# What leaves no text, only a number at its subject: how often it happened there.
COUNTED = {
    "payment": ("payments", "SELECT order_id::text, count(*) FROM payments GROUP BY 1"),
    "refund": ("payments", "SELECT payment_id::text, count(*) FROM refunds GROUP BY 1"),
    "payout": ("payments", "SELECT provider_id::text, count(*) FROM payouts GROUP BY 1"),
    "session": ("accounts", "SELECT account_id::text, count(*) FROM sessions GROUP BY 1"),
    "edit": ("catalog", "SELECT id::text, version - 1 FROM services"),
    "rating": (
        "reviews",
        "SELECT id::text, version - 1 - (reply_text IS NOT NULL)::integer FROM reviews",
    ),
}


def what_was_answered(evidence: Evidence) -> Iterator[Finding]:
    """No fault makes the marketplace answer nonsense."""
    for sentence in evidence.request_log.surprises:
        yield Finding("wrong", sentence)


def marked_effects(evidence: Evidence) -> Iterator[Finding]:
    """Each acknowledged attempt has one effect, under the id that was answered."""
    for kind, (service, query) in MARKED.items():
        effects = _effects(evidence.rows, service, query)
        for attempt in _attempts(evidence, kind):
            yield from _of_attempt(attempt, effects.pop(attempt.mark, []))
        for mark, ids in effects.items():
            yield Finding("wrong", f"{kind} {mark} {ids} was never asked for")


def counted_effects(evidence: Evidence) -> Iterator[Finding]:
    """Each subject changed as often as that was acknowledged."""
    for kind, (service, query) in COUNTED.items():
        found = {subject: number for subject, number in evidence.rows(service, query) if number}
        attempts = sorted(_attempts(evidence, kind), key=lambda attempt: attempt.subject or "")
        for subject, tries in groupby(attempts, key=lambda attempt: attempt.subject or ""):
            yield from _of_subject(kind, subject, list(tries), found.pop(subject, 0))
        for subject, number in found.items():
            yield Finding("wrong", f"{kind} of {subject} happened {number} times, was never asked for")


def answers_are_stored(evidence: Evidence) -> Iterator[Finding]:
    """No key is claimed without its answer: both come in one commit."""
    for service in codebase.SERVICES:
        query = "SELECT scope, key FROM idempotency WHERE answer IS NULL"
        for scope, key in evidence.rows(service, query):
            yield Finding("wrong", f"key {key} of {scope} in {service} has no answer")


def _attempts(evidence: Evidence, kind: str) -> list[Attempt]:
    return [attempt for attempt in evidence.request_log.attempts if attempt.kind == kind]


def _effects(rows: Rows, service: str, query: str) -> Effects:
    effects: Effects = defaultdict(list)
    for id_, text in rows(service, query):
        mark = MARK.search(text or "")
        effects[mark[0] if mark else f"without a mark: {text!r}"].append(id_)
    return effects


def _of_attempt(attempt: Attempt, ids: list[str]) -> Iterator[Finding]:
    what = f"{attempt.kind} {attempt.mark}"
    if len(ids) > 1:
        yield Finding("duplicated", f"{what} happened {len(ids)} times: {ids}")
    elif attempt.outcome == "acknowledged" and not ids:
        yield Finding("lost", f"{what} was acknowledged as {attempt.id} and is not there")
    elif attempt.outcome == "acknowledged" and ids != [attempt.id]:
        yield Finding("wrong", f"{what} was acknowledged as {attempt.id} and is {ids}")
    elif attempt.outcome == "refused" and ids:
        yield Finding("wrong", f"{what} was refused and happened: {ids}")


def _of_subject(kind: str, subject: str, tries: list[Attempt], number: int) -> Iterator[Finding]:
    least = sum(attempt.outcome == "acknowledged" for attempt in tries)
    most = least + sum(attempt.outcome in ("unknown", "under way") for attempt in tries)
    what = f"{kind} of {subject} was acknowledged {least} times, happened {number} times"
    if number < least:
        yield Finding("lost", what)
    elif number > most:
        yield Finding("duplicated", what)


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    what_was_answered,
    marked_effects,
    counted_effects,
    answers_are_stored,
)
