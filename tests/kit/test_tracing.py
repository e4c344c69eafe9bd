import pytest

from kit.tracing import child_of, is_traceparent, trace_id

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_child_keeps_the_trace_and_gets_a_span_of_its_own() -> None:
    child = child_of(PARENT)
    assert trace_id(child) == trace_id(PARENT)
    assert child != PARENT
    assert is_traceparent(child)


@pytest.mark.parametrize(
    "bad", [None, "", "x", PARENT.upper(), PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32)]
)
def test_an_unusable_parent_starts_a_new_trace(bad: str | None) -> None:
    assert not is_traceparent(bad)
    assert is_traceparent(child_of(bad))
