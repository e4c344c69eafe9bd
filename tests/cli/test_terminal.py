"""No terminal obeys what data hold, whichever command shows them."""

import ast
import json
import sys
from pathlib import Path

import click
import pytest

from cli.doctor.checks import failed
from cli.doctor.report import _table
from cli.support import display, terminal
from cli.support.errors import CliError, handle_errors
from kit.errors import NotFound
from kit.settings import BadSetting

HOSTILE = (
    "\x1b[2J", "\x1b]8;;https://evil.example\x07here\x1b]8;;\x07", "\x1b]52;c;cm0gLXJm\x07", "\x9b2J",
    "\x9d0;x\x9c", "\x1b]0;title\x07", "\u202egnp.exe", "\u2066x", "\x08\x08\x08", "a\rb", "\x1bP+q\x1b\\",
    "\U000e0041",
)  # fmt: skip
OBEYED = set("\x1b\x07\x08\r\x9b\x9c\x9d\x90\u202e\u2066\U000e0041")
everything = "".join(HOSTILE)


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    both = captured.out + captured.err
    assert both and not OBEYED & set(both)
    return both


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_thing_is_shown_with_its_escapes(capsys: pytest.CaptureFixture[str], hostile: str) -> None:
    display.show_members({"requirements": f"before\n{hostile}", "body": {"deep": [hostile]}, hostile: "name"})
    assert "before\n" in printed(capsys)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_tables_and_lines_are_shown_with_their_escapes(
    capsys: pytest.CaptureFixture[str], hostile: str
) -> None:
    display.show_table(("by", "reason*"), [(hostile, f"x{hostile}")], "none")
    display.show_lines(hostile, f"reason: {hostile}")
    terminal.screen().print(_table([failed("accounts", "reachable", hostile, hostile)]))
    assert "reason" in printed(capsys)


def test_markup_in_data_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    display.show_members({"title": "[red]x[/red] [link=https://evil.example]y[/link] [/]"})
    display.show_table(("title*",), [("[bold]z[/bold]",)], "none")
    text = printed(capsys)
    assert "[red]x[/red] [link=https://evil.example]y[/link] [/]" in text and "[bold]z[/bold]" in text


def test_what_is_forgotten_is_caught_by_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.screen().print(f"[bold]kept[/bold] {everything}")
    assert r"\x1b[2J" in printed(capsys)


def test_styles_of_our_own_still_reach_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.screen(force_terminal=True, color_system="standard").print("[bold]ready[/bold] \x1b[2J")
    written = capsys.readouterr().out
    assert "\x1b[1mready\x1b[0m" in written and "\x1b[2J" not in written


def test_json_is_ascii_and_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    display.show_json(order={"requirements": everything, "name": "Zoë"})
    assert json.loads(printed(capsys)) == {"order": {"requirements": everything, "name": "Zoë"}}


@pytest.mark.parametrize("error", [NotFound(everything), BadSetting(everything)])
def test_errors_are_shown_with_their_escapes(capsys: pytest.CaptureFixture[str], error: Exception) -> None:
    with pytest.raises(click.ClickException) as shown, handle_errors():
        raise error
    shown.value.show()
    CliError(everything).show()
    printed(capsys)


def test_tracebacks_are_shown_with_their_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError(everything)
    except ValueError:
        kind, error, trace = sys.exc_info()
        assert kind is not None and error is not None
        terminal.show_traceback(kind, error, trace)
    assert "ValueError" in printed(capsys)


def test_nothing_else_writes_to_the_terminal(repository: Path) -> None:
    """Consoles are made in one place, and what is echoed is ASCII JSON or a count of ours."""
    for path in (repository / "cli").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            where = f"{path}:{node.lineno}"
            assert name not in ("Console", "print", "sys.stdout.write"), where
            if name == "click.echo" and path.name != "broker_rights.py":
                assert ast.unparse(node.args[0]).startswith("json.dumps("), where
                assert "ensure_ascii" not in ast.unparse(node), where
