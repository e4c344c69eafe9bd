from services.accounts.emails import normalise


def test_addresses_that_differ_in_case_are_the_same() -> None:
    assert normalise("Ada.Lovelace@Example.ORG") == normalise("ada.lovelace@example.org")
    assert normalise("JÜRGEN@example.org") == normalise("ju\u0308rgen@example.org")


def test_space_around_an_address_does_not_count() -> None:
    assert normalise("  ada@example.org ") == "ada@example.org"


def test_different_mailboxes_stay_different() -> None:
    different = {"strasse@example.org", "straße@example.org", "a.da@example.org", "ada+x@example.org"}
    assert {normalise(address) for address in different} == different
