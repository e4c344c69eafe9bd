import pytest

from kit.errors import (
    KINDS,
    Conflict,
    Invalid,
    RemoteFailure,
    ServiceError,
    field_errors,
    from_wire,
    to_wire,
)


@pytest.mark.parametrize("kind", KINDS.values())
def test_every_error_crosses_rpc_with_its_code_and_data(kind: type[ServiceError]) -> None:
    received = from_wire(to_wire(kind("A sentence.", code="some_code", current_status=3)))
    assert type(received) is kind
    assert isinstance(received, ServiceError)
    assert (received.detail, received.code, received.data) == (
        "A sentence.",
        "some_code",
        {"current_status": 3},
    )


def test_an_unforeseen_failure_arrives_as_a_remote_failure() -> None:
    assert isinstance(from_wire({"exc_type": "KeyError", "value": "'x'"}), RemoteFailure)


def test_a_code_defaults_to_the_kinds_own() -> None:
    assert Conflict("No.").code == "conflict"


def test_one_bad_field_names_itself() -> None:
    error = Invalid.field("reason", "reason_required", "Say why.")
    assert error.code == "reason_required"
    assert error.data["errors"] == [{"field": "reason", "code": "reason_required", "detail": "Say why."}]


def test_nested_messages_become_dotted_fields() -> None:
    messages = {"price": {"amount": ["Not a valid integer."]}, "title": ["Missing data for required field."]}
    assert field_errors(messages) == [
        {"field": "price.amount", "code": "invalid", "detail": "Not a valid integer."},
        {"field": "title", "code": "required", "detail": "Missing data for required field."},
    ]
