import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.accounts.credentials.refresh_tokens import (
    Presented,
    Verdict,
    digest,
    first_token,
    judge,
    keyed_digest,
    successor,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
FRESH = Presented(
    used_at=None, used_with=None, expires_at=NOW + DAY, session_expires_at=NOW + DAY, session_revoked_at=None
)
USED = replace(FRESH, used_at=NOW - timedelta(seconds=59), used_with="mine")


@pytest.mark.parametrize(
    ("token", "key", "verdict"),
    [
        (FRESH, "mine", Verdict.ROTATE),
        (replace(FRESH, expires_at=NOW), "mine", Verdict.REFUSE),
        (replace(FRESH, session_expires_at=NOW), "mine", Verdict.REFUSE),
        (replace(FRESH, session_revoked_at=NOW - DAY), "mine", Verdict.REFUSE),
        (USED, "mine", Verdict.REPEAT),
        (USED, "another", Verdict.REVOKE),
        (replace(USED, used_with=None), "mine", Verdict.REVOKE),
        (replace(USED, used_at=NOW - timedelta(seconds=60)), "mine", Verdict.REVOKE),
        (replace(USED, session_revoked_at=NOW), "mine", Verdict.REFUSE),
        (replace(USED, session_expires_at=NOW), "another", Verdict.REFUSE),
        (replace(USED, expires_at=NOW), "another", Verdict.REVOKE),
    ],
)
def test_a_presented_token_gets_what_it_deserves(token: Presented, key: str, verdict: Verdict) -> None:
    assert judge(token, key, NOW, repeat_seconds=60) is verdict


def test_a_duplicate_that_began_before_its_forerunner_committed_is_a_repeat() -> None:
    assert judge(replace(USED, used_at=NOW + timedelta(seconds=1)), "mine", NOW, 60) is Verdict.REPEAT


def test_tokens_have_256_bits_and_are_url_safe() -> None:
    token = successor("secret", "old", "key")
    assert len(base64.urlsafe_b64decode(token + "=")) == 32


def test_the_same_call_derives_the_same_token_and_any_other_call_another() -> None:
    assert successor("s", "old", "key") == successor("s", "old", "key")
    assert first_token("s", "id", "password", "key") == first_token("s", "id", "password", "key")
    derived = {
        successor("s", "old", "key"),
        successor("t", "old", "key"),
        successor("s", "new", "key"),
        successor("s", "old", "another"),
        successor("s", "oldk", "ey"),
        first_token("s", "id", "password", "key"),
        first_token("t", "id", "password", "key"),
        first_token("s", "jd", "password", "key"),
        first_token("s", "id", "passwore", "key"),
        first_token("s", "id", "password", "kez"),
    }
    assert len(derived) == 10


def test_a_digest_of_something_guessable_needs_the_secret() -> None:
    assert keyed_digest("s", "email", "ada@example.org") == keyed_digest("s", "email", "ada@example.org")
    assert keyed_digest("s", "email", "x") != keyed_digest("t", "email", "x")
    assert keyed_digest("s", "email", "x") != keyed_digest("s", "key", "x")


@pytest.mark.parametrize("token", ["", "ümlaut", "half a pair \ud800", "x" * 200])
def test_whatever_is_presented_can_be_looked_up(token: str) -> None:
    assert len(digest(token)) == 32
