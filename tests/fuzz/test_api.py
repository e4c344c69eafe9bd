"""The API responds to any request as its OpenAPI document says, and never with a 5xx.

Few examples of each operation, always the same; `make fuzz` takes others, and more: FUZZ_ROUNDS and
FUZZ_SEED say how many and which.
"""

import os
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.app import ROUTES
from gateway.routing.openapi import document_of
from tests.fuzz.market import FullMarket

pytestmark = pytest.mark.xdist_group("full_market")

FEW_ROUNDS = 8
ROUNDS = int(os.environ.get("FUZZ_ROUNDS", FEW_ROUNDS))
SEED = int(os.environ.get("FUZZ_SEED", secrets.randbelow(2**32) if ROUNDS > FEW_ROUNDS else 0))
ANSWER_SECONDS = 30
ENDLESS = "stream_events"
FOR_WHOM_IT_ENDS = ("close_session", "close_all_sessions")
ROLES = ("nobody", "customer", "provider", "staff", "leaver")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(document_of(ROUTES))


def _takes_something(operation: Any) -> bool:
    """Operations without input, which no wrong input can be sent to."""
    described = operation.definition.raw
    return bool(described["parameters"]) or "requestBody" in described


OPERATIONS: dict[str, Any] = {
    found.ok().definition.raw["operationId"]: found.ok()
    for found in SCHEMA.get_all_operations()
    if isinstance(found, Ok)
}
CASES = [
    pytest.param(name, mode, id=f"{name}-{mode.value}")
    for name, operation in sorted(OPERATIONS.items())
    if name != ENDLESS
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or _takes_something(operation)
]


@pytest.fixture(scope="module")
def http() -> Iterator[requests.Session]:
    """One connection, which makes requests fast."""
    with requests.Session() as session:
        yield session


@pytest.mark.parametrize(("name", "mode"), CASES)
def test_an_operation_answers_as_its_document_says(
    full_market: FullMarket, http: requests.Session, name: str, mode: GenerationMode
) -> None:
    roles = ("leaver", "nobody") if name in FOR_WHOM_IT_ENDS else ROLES

    @seed(SEED)
    @settings(
        max_examples=ROUNDS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    @given(
        case=OPERATIONS[name].as_strategy(generation_mode=mode),
        role=st.sampled_from(roles),
        about_something=st.booleans(),
    )
    def ask(case: Any, role: str, about_something: bool) -> None:
        if about_something and case.path_parameters:
            case.path_parameters |= {
                part: full_market.ids[part] for part in case.path_parameters if part in full_market.ids
            }
        headers = {} if role == "nobody" else {"Authorization": f"Bearer {_token(full_market, role)}"}
        answer = case.call(
            base_url=full_market.process.url, session=http, headers=headers, timeout=ANSWER_SECONDS
        )
        case.validate_response(answer, checks=CHECKS)

    ask()


def _token(market: FullMarket, role: str) -> str:
    return market.token(getattr(market, role))
