"""What a browser calls itself (its User-Agent), in words."""

import re

from kit.localization.translations import N_, gettext

_BROWSERS = (
    ("Edge", r"\bEdgA?/|\bEdgiOS/"),
    ("Opera", r"\bOPR/"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Firefox", r"\bFirefox/|\bFxiOS/"),
    ("Chrome", r"\bChrome/|\bChromium/|\bCriOS/|\bHeadlessChrome/"),
    ("Safari", r"\bSafari/"),
)
_SYSTEMS = (
    (N_("an iPhone"), r"\biPhone\b"),
    (N_("an iPad"), r"\biPad\b"),
    ("Android", r"\bAndroid\b"),
    ("Windows", r"\bWindows\b"),
    ("ChromeOS", r"\bCrOS\b"),
    (N_("a Mac"), r"\bMacintosh\b"),
    ("Linux", r"\bLinux\b"),
)
_PROGRAM = re.compile(r"[\w.+-]{1,30}", re.ASCII)


def browser_in_words(user_agent: str | None) -> str:
    """Browser and system, such as `Firefox on Linux`; for what is no browser, the program's name.

    The order matters: most browsers also name those they descend from.
    """
    header = user_agent or ""
    if browser := _browser_and_system(header):
        return browser
    program = _PROGRAM.match(header)
    if program is None:
        return gettext("Unknown browser")
    return gettext("A program ({name})").format(name=program[0])


def browser_in_short(user_agent: str | None) -> str:
    """The same where there is less room: a program's name alone, and nothing for what is unknown."""
    header = user_agent or ""
    program = _PROGRAM.match(header)
    return _browser_and_system(header) or (program[0] if program else "")


def _browser_and_system(header: str) -> str:
    browser, system = _first(_BROWSERS, header), _first(_SYSTEMS, header)
    if not (browser and system):
        return browser
    return gettext("{browser} on {system}").format(browser=browser, system=gettext(system))


def _first(patterns: tuple[tuple[str, str], ...], header: str) -> str:
    return next((name for name, pattern in patterns if re.search(pattern, header)), "")
