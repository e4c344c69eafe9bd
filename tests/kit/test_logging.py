import pytest
import structlog

from kit import logging
from services.accounts.signing import Signer, generate_signing_key

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
