"""The browser that the tests drive: Chromium as the system has it."""

import contextlib
import os
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, expect, sync_playwright

from tests.support.servers import not_run

NAMES = ("chromium", "chromium-browser", "google-chrome")  # as .ci/chromium has them
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
LONGEST_WAIT_MILLISECONDS = 30_000


def find_chromium() -> str | None:
    """Where the browser is: the one named in CHROMIUM, else the first in PATH."""
    named = os.environ.get("CHROMIUM")
    return next(filter(None, map(shutil.which, [named] if named else NAMES)), None)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of one's own. Without any, the test ends here as not run."""
    path = find_chromium()
    if path is None:
        not_run("Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        expect.set_options(timeout=LONGEST_WAIT_MILLISECONDS)
        yield browser
        browser.close()
