"""The statements of accounts that are longer than a line."""

from typing import Any

from sqlalchemy import DateTime, Interval, LargeBinary, Select, Text, Uuid, bindparam, func, select, text

from services.accounts.models import ACCOUNTS, REFRESH_TOKENS, SESSIONS, STANDINGS

_DAY = "interval '1 day'"

# The row lock makes the count exact: a waiting duplicate sees what the one before it wrote, which is
# also why the clock and not the transaction's start gives the times.
RECORD_ATTEMPT = text(
    """
    INSERT INTO counted_attempts AS known (subject, attempted_at, expires_at)
    VALUES (:subject, ARRAY[clock_timestamp()], clock_timestamp() + make_interval(secs => :period))
    ON CONFLICT (subject) DO UPDATE
    SET attempted_at = ARRAY(
            SELECT moment FROM unnest(known.attempted_at) AS moment
            WHERE moment > clock_timestamp() - make_interval(secs => :period) ORDER BY moment
        ) || clock_timestamp(),
        expires_at = clock_timestamp() + make_interval(secs => :period)
    WHERE (
        SELECT count(*) FROM unnest(known.attempted_at) AS moment
        WHERE moment > clock_timestamp() - make_interval(secs => :period)
    ) < :allowed
    RETURNING cardinality(attempted_at) AS attempts
    """
)

SECONDS_TO_WAIT = text(
    """
    SELECT ceil(extract(epoch FROM max(full_count.ends_at) - clock_timestamp()))
    FROM unnest(
        CAST(:subjects AS text[]), CAST(:allowed AS integer[]), CAST(:periods AS double precision[])
    ) AS one (subject, allowed, period)
    JOIN counted_attempts AS known ON known.subject = one.subject
    CROSS JOIN LATERAL (
        SELECT min(moment) + make_interval(secs => one.period) AS ends_at
        FROM unnest(known.attempted_at) AS moment
        WHERE moment > clock_timestamp() - make_interval(secs => one.period)
        HAVING count(*) >= one.allowed
    ) AS full_count
    """
)

RECORD_LOCK_OUT = text(
    """
    INSERT INTO security_events (id, account_id, type, address, browser, details)
    SELECT :id, accounts.id, :type, :address, :browser, jsonb_build_object('scope', CAST(:scope AS text))
    FROM accounts WHERE accounts.id = :account_id
    RETURNING 1
    """
).bindparams(bindparam("id", type_=Uuid(as_uuid=False)), bindparam("account_id", type_=Uuid(as_uuid=False)))

RECORD_NEW_BROWSER = text(
    """
    INSERT INTO security_events (id, account_id, type, address, browser, details)
    SELECT :id, :account_id, CAST(:type AS text), CAST(:address AS text), CAST(:browser AS text),
           jsonb_build_object('session_id', CAST(:session_id AS text))
    WHERE NOT EXISTS (
        SELECT FROM security_events
        WHERE account_id = :account_id AND type = :type
          AND address IS NOT DISTINCT FROM :address AND browser IS NOT DISTINCT FROM :browser
    )
    RETURNING 1
    """
).bindparams(bindparam("id", type_=Uuid(as_uuid=False)), bindparam("account_id", type_=Uuid(as_uuid=False)))

OPEN_SESSION = (
    text(
        f"""
        WITH opened AS (
            INSERT INTO sessions (id, account_id, client, address, expires_at)
            VALUES (:session_id, :account_id, :client, :address, now() + :token_days * {_DAY})
            RETURNING id, created_at, expires_at
        ), issued AS (
            INSERT INTO refresh_tokens (digest, session_id, expires_at)
            SELECT :digest, id, expires_at FROM opened
        )
        SELECT created_at FROM opened
        """  # noqa: S608 - only a constant of this module is put in
    )
    .bindparams(bindparam("session_id", type_=Uuid(as_uuid=False)))
    .bindparams(bindparam("account_id", type_=Uuid(as_uuid=False)))
    .bindparams(bindparam("client", type_=Text), bindparam("address", type_=Text))
    .bindparams(bindparam("digest", type_=LargeBinary))
    .columns(created_at=DateTime(timezone=True))
)

ROTATE = (
    text(
        f"""
        WITH used AS (
            UPDATE refresh_tokens SET used_at = now(), used_with = :used_with WHERE digest = :digest
        ), kept AS (
            UPDATE sessions
            SET last_used_at = now(),
                expires_at = least(now() + :token_days * {_DAY}, created_at + :session_days * {_DAY})
            WHERE id = :session_id
            RETURNING id, expires_at
        )
        INSERT INTO refresh_tokens (digest, session_id, expires_at)
        SELECT :successor, id, expires_at FROM kept
        RETURNING issued_at
        """  # noqa: S608 - only a constant of this module is put in
    )
    .bindparams(bindparam("session_id", type_=Uuid(as_uuid=False)), bindparam("used_with", type_=Text))
    .bindparams(bindparam("digest", type_=LargeBinary), bindparam("successor", type_=LargeBinary))
    .columns(issued_at=DateTime(timezone=True))
)

CLOSE_SURPLUS = (
    text(
        """
        UPDATE sessions SET revoked_at = now()
        WHERE id IN (
            SELECT id FROM sessions WHERE account_id = :account_id AND revoked_at IS NULL
            ORDER BY last_used_at DESC, id DESC OFFSET :kept
        )
        RETURNING id, revoked_at
        """
    )
    .bindparams(bindparam("account_id", type_=Uuid(as_uuid=False)))
    .columns(id=Uuid(as_uuid=False), revoked_at=DateTime(timezone=True))
)

COUNT_COMPLETED = text(
    """
    WITH counted AS (
        INSERT INTO completed_orders (order_id, provider_id, completed_at)
        VALUES (:order_id, :provider_id, :completed_at)
        ON CONFLICT DO NOTHING
        RETURNING provider_id
    )
    INSERT INTO standings AS known (account_id, completed_orders)
    SELECT provider_id, 1 FROM counted
    ON CONFLICT (account_id) DO UPDATE SET completed_orders = known.completed_orders + 1
    """
).bindparams(
    bindparam("order_id", type_=Uuid(as_uuid=False)),
    bindparam("provider_id", type_=Uuid(as_uuid=False)),
    bindparam("completed_at", type_=Text),
)

SAVE_RATING = text(
    """
    INSERT INTO standings AS known (account_id, rating_average, rating_count, rating_version)
    VALUES (:subject_id, :average, :count, :rating_version)
    ON CONFLICT (account_id) DO UPDATE
    SET rating_average = excluded.rating_average,
        rating_count = excluded.rating_count,
        rating_version = excluded.rating_version
    WHERE known.rating_version < excluded.rating_version
    """
).bindparams(bindparam("subject_id", type_=Uuid(as_uuid=False)))

# Rows another replica is removing are left to it.
PURGE_SESSIONS = text(
    """
    DELETE FROM sessions WHERE id IN (
        SELECT id FROM sessions
        WHERE revoked_at < now() - :kept OR expires_at < now() - :kept
        LIMIT :batch FOR UPDATE SKIP LOCKED
    )
    """
).bindparams(bindparam("kept", type_=Interval))

PURGE_REFRESH_TOKENS = text(
    """
    DELETE FROM refresh_tokens WHERE digest IN (
        SELECT digest FROM refresh_tokens WHERE expires_at < now() LIMIT :batch FOR UPDATE SKIP LOCKED
    )
    """
)


def presented_token(digest: bytes) -> Select[Any]:
    """A refresh token with its session and account, the first two locked against a concurrent duplicate."""
    return (
        select(
            REFRESH_TOKENS.c.used_at,
            REFRESH_TOKENS.c.used_with,
            REFRESH_TOKENS.c.expires_at.label("token_expires_at"),
            SESSIONS.c.id.label("session_id"),
            SESSIONS.c.expires_at.label("session_expires_at"),
            SESSIONS.c.created_at.label("session_created_at"),
            SESSIONS.c.revoked_at,
            func.clock_timestamp().label("now"),
            ACCOUNTS,
        )
        .select_from(REFRESH_TOKENS.join(SESSIONS).join(ACCOUNTS))
        .where(REFRESH_TOKENS.c.digest == digest)
        .with_for_update(of=[REFRESH_TOKENS, SESSIONS])
    )


def live_sessions(account_id: str, before_id: str | None, rows: int) -> Select[Any]:
    """Up to `rows` live sessions of an account, newest first, after the one with id `before_id`."""
    query = (
        select(SESSIONS)
        .where(SESSIONS.c.account_id == account_id, SESSIONS.c.revoked_at.is_(None))
        .where(SESSIONS.c.expires_at > func.now())
        .order_by(SESSIONS.c.id.desc())
        .limit(rows)
    )
    return query if before_id is None else query.where(SESSIONS.c.id < before_id)


def profile(account_id: str) -> Select[Any]:
    """An account with what events told about it as a provider."""
    return (
        select(ACCOUNTS, STANDINGS.c.rating_average, STANDINGS.c.rating_count, STANDINGS.c.completed_orders)
        .select_from(ACCOUNTS.outerjoin(STANDINGS, STANDINGS.c.account_id == ACCOUNTS.c.id))
        .where(ACCOUNTS.c.id == account_id)
    )
