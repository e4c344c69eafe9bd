"""How hard a secret is to guess: an estimate from its text, since no list names every weak one.

zxcvbn knows words, names, keyboard rows, dates, sequences and repetitions; what it finds is counted here
as the sum of its parts, each once, so that a sentence of common words does not pass for random text.
"""

import math
import re

LEAST_PASSWORD_LENGTH, LEAST_PASSWORD_GUESSES = 16, 10
LEAST_SECRET_LENGTH, LEAST_SECRET_GUESSES = 32, 17  # 128 random bits as hexadecimal digits have 19 or more
LEAST_DISTINCT_BYTES = 16  # of a key's 32; random ones have more than 24
LONGEST_TEXT = 72  # that zxcvbn looks at
ADVICE = "`openssl rand -hex 24` makes a good one"


def weakness_of_password(password: str) -> str | None:
    """Why a password between programs could be guessed; None when it could not."""
    return _weakness(password, LEAST_PASSWORD_LENGTH, LEAST_PASSWORD_GUESSES)


def weakness_of_secret(secret: str) -> str | None:
    """The same of a secret that signs or seals, which can be guessed without being noticed."""
    return _weakness(secret, LEAST_SECRET_LENGTH, LEAST_SECRET_GUESSES)


def weakness_of_key(key: bytes) -> str | None:
    """The same of a random key of 32 bytes."""
    if len(set(key)) < LEAST_DISTINCT_BYTES or _guesses(key.decode("latin-1")) < LEAST_SECRET_GUESSES:
        return "can be guessed: its bytes are not random"
    return None


def _weakness(text: str, least_length: int, least_guesses: float) -> str | None:
    if not text:
        return "is missing"
    if text.lower().startswith("demo-"):
        return f"is a demo's; {ADVICE}"
    if len(text) < least_length:
        return f"has fewer than {least_length} characters; {ADVICE}"
    words = {word for word in re.split(r"[\W_]+", text.lower()) if word}
    halves = _guesses(text[::2]) + _guesses(text[1::2])  # two sequences may alternate
    if min(_guesses(text), halves, sum(map(_guesses, words))) < least_guesses:
        return f"can be guessed; {ADVICE}"
    return None


def _guesses(text: str) -> float:
    """The decimal logarithm of the guesses needed, of the best part of a longer text."""
    parts = (text[start : start + LONGEST_TEXT] for start in range(0, len(text), LONGEST_TEXT))
    return max(map(_guesses_of_part, parts), default=0.0)


def _guesses_of_part(text: str) -> float:
    from zxcvbn import zxcvbn  # its lists of words take memory, which development need not spend

    found = {match["token"].lower(): match for match in zxcvbn(text)["sequence"]}
    return sum(_guesses_of_match(token, match) for token, match in found.items())


def _guesses_of_match(token: str, match: dict[str, object]) -> float:
    if match["pattern"] == "bruteforce":
        return len(token) * min(1.0, math.log10(max(2, len(set(token)))))
    return max(0.0, math.log10(float(str(match["guesses"]))))
