"""Estimates how hard a secret is to guess.

zxcvbn recognises words, names, keyboard rows, dates, sequences and repetitions. The estimate is the sum of
the parts that it finds, each counted once, so that a sentence of common words does not count as random text.
"""

import math
import re

MIN_PASSWORD_LENGTH, MIN_PASSWORD_GUESSES = 16, 10
MIN_SECRET_LENGTH, MIN_SECRET_GUESSES = 32, 17  # 128 random bits as hexadecimal digits have 19 or more
MIN_DISTINCT_BYTES = 16  # of a key's 32; random ones have more than 24
LONGEST_TEXT = 72  # that zxcvbn reads
ADVICE = "`openssl rand -hex 24` makes a good one"


def weakness_of_password(password: str) -> str | None:
    """Returns why a password between programs is weak; None when it is not."""
    return _weakness(password, MIN_PASSWORD_LENGTH, MIN_PASSWORD_GUESSES)


def weakness_of_secret(secret: str) -> str | None:
    """Returns why a secret that signs or encrypts is weak: it can be guessed offline. None when it is not."""
    return _weakness(secret, MIN_SECRET_LENGTH, MIN_SECRET_GUESSES)


def weakness_of_key(key: bytes) -> str | None:
    """Returns why a random key of 32 bytes is weak; None when it is not."""
    if len(set(key)) < MIN_DISTINCT_BYTES or _guesses(key.decode("latin-1")) < MIN_SECRET_GUESSES:
        return "can be guessed: its bytes are not random"
    return None


def _weakness(text: str, min_length: int, min_guesses: float) -> str | None:
    if not text:
        return "is missing"
    if text.lower().startswith("demo-"):
        return f"is a demo's; {ADVICE}"
    if len(text) < min_length:
        return f"has fewer than {min_length} characters; {ADVICE}"
    words = {word for word in re.split(r"[\W_]+", text.lower()) if word}
    halves = _guesses(text[::2]) + _guesses(text[1::2])  # two sequences may alternate
    if min(_guesses(text), halves, sum(map(_guesses, words))) < min_guesses:
        return f"can be guessed; {ADVICE}"
    return None


def _guesses(text: str) -> float:
    """Returns the decimal logarithm of the guesses needed for the strongest part of a text."""
    parts = (text[start : start + LONGEST_TEXT] for start in range(0, len(text), LONGEST_TEXT))
    return max(map(_guesses_of_part, parts), default=0.0)


def _guesses_of_part(text: str) -> float:
    from zxcvbn import zxcvbn  # its word lists take memory, which development does not need

    found = {match["token"].lower(): match for match in zxcvbn(text)["sequence"]}
    return sum(_guesses_of_match(token, match) for token, match in found.items())


def _guesses_of_match(token: str, match: dict[str, object]) -> float:
    if match["pattern"] == "bruteforce":
        return len(token) * min(1.0, math.log10(max(2, len(set(token)))))
    return max(0.0, math.log10(float(str(match["guesses"]))))
