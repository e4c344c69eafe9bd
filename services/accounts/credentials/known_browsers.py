"""Browsers that signed in before: each sign-in issues a device token that proves it later. Pure.

The token opens nothing. It only keeps what others do wrong from counting against its browser. It
names the session in which it was issued; that id holds the time (UUID version 7), so nothing is stored.
"""

import hmac
from datetime import datetime, timedelta
from uuid import UUID

from kit.validation import is_id
from services.accounts.credentials.refresh_tokens import device_token

MOST_TOKENS = 10  # a browser that several people share has one of each


def known_browser(
    presented: str, account_id: str, secret: str, now: datetime, lifetime: timedelta
) -> str | None:
    """The id of the sign-in that the first good token proves, among those presented (separated by
    spaces): issued to this account, no longer ago than `lifetime`. None when there is none.
    """
    for token in presented.split(" ")[:MOST_TOKENS]:
        session_id = token.partition(".")[0]
        if not is_id(session_id):
            continue
        expected = device_token(secret, account_id, session_id)
        if hmac.compare_digest(token.encode(), expected.encode()) and now - _issued_at(session_id) < lifetime:
            return session_id
    return None


def _issued_at(session_id: str) -> datetime:
    milliseconds = UUID(session_id).int >> 80  # RFC 9562, 5.7
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return epoch + timedelta(milliseconds=milliseconds)
