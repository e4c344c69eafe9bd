"""The pages for developers say what the code does: their tables are compared with it, both ways."""

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.app import ROUTES
from gateway.http.problem_kinds import KINDS as PROBLEMS
from gateway.routing.route import Route
from gateway.streaming.hub import LIVE_EVENT_TYPES
from kit.contracts import EVERY, Event
from services.accounts.contract import SecurityEventType
from services.messaging.notifications import CATEGORY_OF_TYPE, TYPE_OF_TRANSITION
from services.orders.contract import PAYMENT_STATUSES, STATUSES
from services.orders.lifecycle import RULES
from tests.support import codebase

DOMAIN, API, FLOWS, NAMEKO = (f"docs/{name}.md" for name in ("domain", "api", "flows", "nameko"))
PAGES = ("README.md", "CONTRIBUTING.md", DOMAIN, API, FLOWS, NAMEKO, "docs/glossary.md")
EVERY_LIST_TAKES = {"limit", "cursor"}
Row = dict[str, str]


@cache
def text_of(page: str) -> str:
    """A page of the repository."""
    return (codebase.ROOT / page).read_text()


def section(page: str, heading: str) -> str:
    """What stands under a heading, down to the next one of its level or above."""
    level = heading.split(" ")[0]
    found = re.search(
        rf"^{re.escape(heading)}\n(.*?)(?=^#{{2,{len(level)}}} |\Z)", text_of(page), re.M | re.S
    )
    assert found, f"{page} has no heading {heading!r}"
    return found[1]


def rows(text: str) -> list[Row]:
    """Every row of every table in a text, by the names of its columns."""
    found: list[Row] = []
    for is_table, lines in groupby(text.splitlines(), lambda line: line.startswith("|")):
        if is_table:
            cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
            found += [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]
    return found


def ticked(cell: str) -> list[str]:
    """What a cell has between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def only(cell: str) -> str:
    """The one thing that a cell has between backticks."""
    (found,) = ticked(cell)
    return found


def listed(cell: str) -> tuple[str, ...]:
    """A cell's comma-separated words; none for a dash."""
    return () if cell == "–" else tuple(word.strip() for word in cell.split(","))


# --- the domain ---------------------------------------------------------------------------------


def test_the_page_has_every_status_of_an_order_with_its_label() -> None:
    shown = [
        (int(row["code"]), only(row["name"]), row["label"])
        for row in rows(section(DOMAIN, "## Order statuses"))
    ]
    assert shown == [(status["code"], status["name"], status["label"]) for status in STATUSES]


def test_the_page_has_the_whole_table_of_transitions() -> None:
    shown = [
        (
            only(row["transition"]),
            listed(row["from"]),
            row["to"],
            listed(row["role"]),
            row["reason"] == "required",
        )
        for row in rows(section(DOMAIN, "## Lifecycle"))
    ]
    assert shown == [
        (
            rule.transition,
            tuple(str(int(status)) for status in rule.origins),
            rule.target if isinstance(rule.target, str) else str(int(rule.target)),
            rule.who,
            rule.reason,
        )
        for rule in RULES
    ]


def test_the_page_has_every_payment_status() -> None:
    shown = [only(row["`payment_status`"]) for row in rows(section(DOMAIN, "## Payments"))]
    assert sorted(shown) == sorted(PAYMENT_STATUSES)


def test_the_page_has_every_security_event() -> None:
    shown = [only(row["security event"]) for row in rows(section(DOMAIN, "## Accounts"))]
    assert sorted(shown) == sorted(SecurityEventType)


def test_the_page_has_every_notification_with_its_preference() -> None:
    table = rows(section(DOMAIN, "## Messages and notifications"))
    assert {only(row["notification"]): row["category"] for row in table} == CATEGORY_OF_TYPE
    of_transitions = {
        transition: only(row["notification"])
        for row in table
        for transition in ticked(row["cause"])
        if transition in {rule.transition for rule in RULES}
    }
    assert of_transitions == TYPE_OF_TRANSITION


def test_the_page_has_every_event_with_its_owner_and_consumers() -> None:
    table = rows(section(DOMAIN, "## Events"))
    shown = {
        (only(row["event"]), row["owner"], frozenset(listed(row["consumers"])), row["live"] == "live")
        for row in table
    }
    assert shown == {(e.type, e.owner, frozenset(e.consumers), e.live) for e in codebase.events()}
    assert {only(row["event"]): row["outcome"] for row in table} == {
        event.type: _outcome_of(event) for event in codebase.events()
    }


def _outcome_of(event: Event) -> str:
    acted_on = {consumer: event.outcomes_of(consumer) for consumer in event.consumers}
    parts = [
        f"{consumer} {', '.join(f'{outcome}' for outcome in outcomes)}"
        for consumer, outcomes in acted_on.items()
        if outcomes != EVERY
    ]
    return "–" if event.outcome is None else "; ".join([f"`{event.outcome}`", *parts])


def test_the_page_has_every_call_between_services() -> None:
    shown = {
        only(row["method"]): listed(row["callers"])
        for row in rows(section(DOMAIN, "## Calls between services"))
    }
    assert shown == {rpc.routing_key: rpc.callers for rpc in codebase.rpcs() if rpc.callers}


# --- the API ------------------------------------------------------------------------------------


def _sent(route: Route) -> set[str]:
    schemas = [schema() for schema in (route.query, route.body) if schema is not None]
    names = {name: one for schema in schemas for name, one in schema.fields.items()}
    return {f"{n}" if one.required else f"{n}?" for n, one in names.items() if n not in EVERY_LIST_TAKES}


def test_the_page_has_every_route_as_it_is_declared() -> None:
    shown = {
        only(row["route"]): (
            row["caller"],
            int(row["status"]),
            row["key"].replace("–", "none"),
            row["`If-Match`"].replace("–", "none"),
            {name.replace("`", "") for name in listed(row["sends"])},
        )
        for row in rows(section(API, "## Routes"))
    }
    declared = {
        f"{r.method} {r.path}": (
            r.access.value,
            int(r.status),
            r.idempotency_key.value,
            r.if_match.value,
            _sent(r),
        )
        for r in ROUTES
    }
    assert shown == declared


def test_the_page_has_the_members_of_every_answer() -> None:
    shown = {only(row["schema"]): ticked(row["members"]) for row in rows(section(API, "## Answers"))}
    answers = {route.response_schema for route in ROUTES if route.response_schema is not None}
    assert shown == {answer.__name__: list(answer().fields) for answer in answers}


def test_the_page_has_every_live_event() -> None:
    shown = {
        only(row["event"]): (only(row["published as"]), set(ticked(row["members, besides `occurred_at`"])))
        for row in rows(section(API, "## Live event stream"))
    }
    assert shown == {kind.name: (type_, set(kind.members)) for type_, kind in LIVE_EVENT_TYPES.items()}


def test_the_page_has_every_problem_code_under_its_status() -> None:
    shown = {
        code: int(row["status"])
        for row in rows(section(API, "## Problem codes"))
        for code in ticked(row["codes"])
    }
    assert shown == {code: kind.status for code, kind in PROBLEMS.items()}


def test_routes_name_only_problem_codes_that_exist() -> None:
    notes = [row["answer and notes"] for row in rows(section(API, "## Routes"))]
    named = {
        code
        for note in notes
        for codes in re.findall(r"4\d\d ((?:`\w+`(?:, )?)+)", note)
        for code in ticked(codes)
    }
    assert named and named <= set(PROBLEMS)


# --- files, functions, links and settings ---------------------------------------------------------


class Place(NamedTuple):
    """A function that a page names, `services/orders/lifecycle.py:decide`; methods as `Class.method`."""

    page: str
    path: str
    function: str


def _places(page: str, text: str) -> Iterator[Place]:
    for path, function in re.findall(r"`([\w/]+\.py):([\w.]+)`", text):
        yield Place(page, path, function)


@cache
def defined_in(path: str) -> frozenset[str]:
    """The functions and classes of a file, methods as `Class.method`."""
    found = set()
    for node in ast.parse((codebase.ROOT / path).read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
            methods = node.body if isinstance(node, ast.ClassDef) else []
            found |= {
                f"{node.name}.{m.name}"
                for m in methods
                if isinstance(m, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return frozenset(found)


@pytest.mark.parametrize("page", [FLOWS, NAMEKO])
def test_every_function_that_a_page_names_exists(page: str) -> None:
    places = list(_places(page, text_of(page)))
    assert len(places) > 5
    assert [place for place in places if place.function not in defined_in(place.path)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_folder_that_a_page_names_exists(page: str) -> None:
    named = re.findall(r"`((?:[\w-]+/)+(?:[\w.-]+)?)(?::[\w.]+)?`", text_of(page))
    in_the_repository = [path for path in named if (codebase.ROOT / path.split("/")[0]).is_dir()]
    assert [path for path in in_the_repository if not (codebase.ROOT / path).exists()] == []


@pytest.mark.parametrize("walk", ["## Approve an order", "## Pay", "## Search"])
def test_a_walk_enters_no_file_twice_on_its_way_down(walk: str) -> None:
    down = section(FLOWS, walk).split("Down:", 1)[1].strip().split("\n\n")[0]
    hops = re.findall(r"^(\d+)\. `([\w/]+\.py):", down, re.M)
    assert [int(number) for number, _ in hops] == list(range(1, len(down.splitlines()) + 1))
    files = [path for path, _ in groupby(path for _, path in hops)]
    assert len(files) > 10
    assert len(set(files)) == len(files)


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, "CHANGELOG.md"])
def test_every_link_leads_to_a_file_and_a_heading(page: str) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", text_of(page)):
        file = (codebase.ROOT / page).parent / target if target else codebase.ROOT / page
        assert file.exists(), f"{page} links to {target}"
        assert not anchor or anchor in _anchors(file), f"{page} links to {target}#{anchor}"


def test_every_setting_that_a_page_names_is_one() -> None:
    known = set(re.findall(r"^\| `([A-Z_]+)` \|", text_of("docs/operations.md"), re.M))
    named = {
        name for page in (DOMAIN, API, FLOWS) for name in re.findall(r"`([A-Z]+_[A-Z_]+)`", text_of(page))
    }
    assert named and named <= known


def test_every_method_that_is_called_in_the_shell_examples_exists() -> None:
    called = re.findall(r"services\.(\w+\.\w+)\(", text_of(NAMEKO))
    assert called and set(called) <= {rpc.routing_key for rpc in codebase.rpcs()}


def test_everything_that_the_shell_examples_import_exists() -> None:
    examples = re.findall(r"<<'PYTHON'\n(.*?)^PYTHON$", text_of(NAMEKO), re.M | re.S)
    imports = [
        node for text in examples for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)
    ]
    assert len(examples) == 3
    for node in imports:
        module = importlib.import_module(str(node.module))
        assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == [], node.module


def test_every_decision_is_in_the_index() -> None:
    folder = codebase.ROOT / "docs" / "decisions"
    pages = sorted(path.name for path in folder.glob("[0-9]*.md"))
    index = re.findall(r"^(\d+)\. \[.+\]\((.+)\)$", (folder / "README.md").read_text(), re.M)
    assert [name for _, name in index] == pages
    assert [f"{int(number):04}" for number, _ in index] == [name[:4] for name in pages]
