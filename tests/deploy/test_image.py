"""What the Dockerfile promises, read from its own text; on a running container `make compose-test` looks."""

import re

from tests.support.codebase import ROOT

TEXT = (ROOT / "Dockerfile").read_text()
INSTRUCTIONS = [line for line in re.sub(r"\\\n", " ", TEXT).splitlines() if line and line[0] != "#"]
BEGINNINGS = [n for n, line in enumerate(INSTRUCTIONS) if line.startswith("FROM ")]
LAST_STAGE = INSTRUCTIONS[BEGINNINGS[-1] :]


def of_last_stage(word: str) -> list[str]:
    """The last stage's instructions of one kind."""
    return [line for line in LAST_STAGE if line.startswith(f"{word} ")]


def test_every_stage_starts_from_the_same_pinned_slim_image() -> None:
    bases = {INSTRUCTIONS[n].split()[1] for n in BEGINNINGS}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", bases.pop())


def test_every_package_is_checked_against_the_lock_and_then_nothing_else_is_fetched() -> None:
    fetching = [line for line in INSTRUCTIONS if re.search(r"pip (wheel|install|download)", line)]
    assert "--require-hashes -r requirements.lock" in fetching[0]
    for line in fetching[1:]:
        assert line.count("pip install") == line.count("--no-index") > 0


def test_the_last_stage_installs_nothing_and_cannot() -> None:
    assert not re.search(r"apt|curl|wget|pip (install|wheel)|gcc|make ", " ".join(LAST_STAGE))
    assert "rm -rf" in (removing := " ".join(of_last_stage("RUN"))) and "/pip*" in removing
    assert [line.split()[1] for line in of_last_stage("COPY")] == ["--from=build"]


def test_the_process_is_the_first_is_nobody_and_says_how_it_is() -> None:
    [entrypoint] = of_last_stage("ENTRYPOINT")
    assert entrypoint == 'ENTRYPOINT ["microtasks"]', "without a shell, so that signals reach it"
    [user] = of_last_stage("USER")
    assert int(user.split()[1]) > 0, "a number, so that a cluster can see that it is not root"
    [health] = of_last_stage("HEALTHCHECK")
    assert "/readyz" in health


def test_no_secret_and_no_address_is_baked_in() -> None:
    assert not re.search(r"PASSWORD|SECRET|SIGNING_KEY|amqp://|postgresql://|https?://(?!127)", TEXT)


def test_only_what_the_image_needs_is_sent_to_the_build() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    sent = {line[1:] for line in ignored if line.startswith("!")}
    copied = {word for line in INSTRUCTIONS if line.startswith("COPY ") for word in line.split()[1:-1]}
    assert sent == {word for word in copied if not word.startswith(("-", "/"))}
