"""One running project for all tests of compose."""

from collections.abc import Iterator

import pytest

from tests.compose.project import Project, say


@pytest.hookimpl(tryfirst=True)  # before marks choose
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They need an engine and minutes: `make compose-test` asks for them, `make test` does not."""
    for item in items:
        if "tests/compose" in item.nodeid:
            item.add_marker(pytest.mark.compose)


@pytest.fixture(scope="session")
def project(request: pytest.FixtureRequest) -> Iterator[Project]:
    """Built and up, without any preparation; down at the end, with its data."""
    project = Project()
    project.down()
    say("building the image")
    project.compose("build", within=900)
    try:
        say("starting")
        say(f"healthy after {project.up():.0f} s")
        yield project
        if request.session.testsfailed:
            say(project.logs())
    finally:
        say("bringing it down")
        project.down()
