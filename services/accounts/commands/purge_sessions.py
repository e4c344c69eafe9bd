"""Removing rows that are no longer needed, a batch at a time."""

from datetime import timedelta

from sqlalchemy import Connection

from services.accounts import statements
from services.accounts.credentials.attempts import purge_attempts
from services.accounts.security_events import purge_events
from services.accounts.settings import AccountSettings

PURGE_BATCH = 1000
# A session takes thousands of used tokens with it.
PURGED_SESSIONS = 50


def purge_sessions(connection: Connection, settings: AccountSettings) -> None:
    """Removes a batch of dead sessions, expired tokens, attempts that no longer count, and old events."""
    kept = timedelta(hours=settings.dead_session_hours)
    connection.execute(statements.PURGE_SESSIONS, {"kept": kept, "batch": PURGED_SESSIONS})
    connection.execute(statements.PURGE_REFRESH_TOKENS, {"batch": PURGE_BATCH})
    purge_attempts(connection, PURGE_BATCH)
    purge_events(connection, settings.security_event_days, PURGE_BATCH)
