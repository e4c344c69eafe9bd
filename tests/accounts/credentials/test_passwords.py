import timeit

import pytest
from argon2 import PasswordHasher, Type, extract_parameters

from services.accounts.credentials import passwords

PASSWORD = "correct horse battery staple"


@pytest.mark.parametrize("password", ["1234567890", "qwertyuiop", "QwertyUiop", "password123", "PASSWORD123"])
def test_passwords_from_every_guess_list_are_common_in_any_case(password: str) -> None:
    assert passwords.is_common(password)


@pytest.mark.parametrize("password", ["1111111111", "ababababab", "0123456789", "9876543210", "abcdefghijkl"])
def test_so_are_those_a_child_would_type(password: str) -> None:
    assert passwords.is_common(password)


@pytest.mark.parametrize("password", [PASSWORD, "tR0ub4dor&3 on tuesdays", "пароль из десяти слов"])
def test_others_are_not(password: str) -> None:
    assert not passwords.is_common(password)


def test_a_stored_password_is_argon2id_with_owasp_parameters() -> None:
    parameters = extract_parameters(passwords.hash_password(PASSWORD))
    assert parameters.type is Type.ID
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19456, 2, 1)
    assert parameters.salt_len >= 16
    assert parameters.hash_len >= 32


def test_the_same_password_is_never_stored_the_same_way() -> None:
    assert passwords.hash_password(PASSWORD) != passwords.hash_password(PASSWORD)


def test_only_the_very_password_is_right() -> None:
    stored = passwords.hash_password(PASSWORD)
    assert passwords.is_right(PASSWORD, stored)
    for other in (PASSWORD.upper(), PASSWORD + " ", PASSWORD[:-1], "", stored):
        assert not passwords.is_right(other, stored)


def test_a_password_typed_on_another_keyboard_is_the_same() -> None:
    composed, decomposed = "caf\u00e9 au lait", "cafe\u0301 au lait"
    assert passwords.is_right(decomposed, passwords.hash_password(composed))


def test_an_unknown_accounts_password_is_never_right_not_even_the_one_behind_the_stand_in() -> None:
    assert not passwords.is_right("the account that does not exist", None)
    assert not passwords.is_right(PASSWORD, "not a hash")


def test_an_unknown_accounts_password_costs_what_everybody_elses_does() -> None:
    assert extract_parameters(passwords.placeholder_hash()) == extract_parameters(
        passwords.hash_password(PASSWORD)
    )


def test_hashes_under_other_parameters_are_outdated() -> None:
    weaker = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    assert passwords.is_right(PASSWORD, weaker)
    assert passwords.is_outdated(weaker)
    assert not passwords.is_outdated(passwords.hash_password(PASSWORD))


def test_checking_an_unknown_accounts_password_takes_about_as_long_as_anybodys() -> None:
    stored = passwords.hash_password(PASSWORD)
    passwords.placeholder_hash()

    def quickest(hashed: str | None) -> float:
        return min(timeit.repeat(lambda: passwords.is_right("wrong", hashed), number=1, repeat=5))

    assert quickest(None) > 0.3 * quickest(stored)
