import logging as stdlib_logging

import pytest
import structlog

from kit import logging
from services.accounts.credentials.signing import Signer, generate_signing_key

CANARY = "canary-5c1f"


def test_secrets_never_reach_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    jwt = Signer(generate_signing_key()).sign("a", "s", "n", [], 1, 2)
    signature = jwt.split(".")[2]
    logging.configure("INFO", "json")
    log = structlog.get_logger("test")
    log.info("sign_in", password=CANARY, refresh_token=CANARY, session_secret=CANARY)
    log.info("url", url=f"amqp://user:{CANARY}@broker//", note=f"bearer {jwt}")
    try:
        raise ValueError(f"postgresql://user:{CANARY}@db/x {jwt}")
    except ValueError:
        log.exception("failed")
    printed = capsys.readouterr().out
    assert "sign_in" in printed
    assert "failed" in printed
    assert CANARY not in printed
    assert signature not in printed


def test_a_file_gets_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure("INFO", "console")
    structlog.get_logger("test").warning("no_colours")
    printed = capsys.readouterr().out
    assert "no_colours" in printed and "\x1b" not in printed


class Strange:
    def __repr__(self) -> str:
        return "<\x1b[2J>"


@pytest.mark.parametrize("style", ["console", "json"])
def test_terminals_obey_nothing_in_a_log(capsys: pytest.CaptureFixture[str], style: str) -> None:
    logging.configure("INFO", style)
    log = structlog.get_logger("test")
    log.warning(
        "begins\x1b[2J", name="\x1b]52;c;eA==\x07", listed=["\x9b2J"], odd=Strange(), turned="\u202eabc"
    )
    stdlib_logging.getLogger("library").warning("of %s", "\x1b]8;;https://example\x07\u2028")
    try:
        raise ValueError("\x1b[31mred")
    except ValueError:
        log.exception("failed")
    printed = capsys.readouterr().out
    assert not set("\x1b\x07\x9b\u202e\u2028") & set(printed)
    assert "Traceback" in printed and ("\\x1b[2J" in printed or "\\u001b[2J" in printed)


def test_a_value_cannot_look_like_another_line(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure("INFO", "console")
    structlog.get_logger("test").warning("one", name="a\n2026-11-26T00:00:00Z [error] forged\r\n")
    assert len(capsys.readouterr().out.splitlines()) == 1
