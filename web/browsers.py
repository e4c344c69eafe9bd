"""What a browser calls itself (its User-Agent), in words."""

import re

_BROWSERS = (
    ("Edge", r"\bEdgA?/|\bEdgiOS/"),
    ("Opera", r"\bOPR/"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Firefox", r"\bFirefox/|\bFxiOS/"),
    ("Chrome", r"\bChrome/|\bChromium/|\bCriOS/|\bHeadlessChrome/"),
    ("Safari", r"\bSafari/"),
)
_SYSTEMS = (
    ("an iPhone", r"\biPhone\b"),
    ("an iPad", r"\biPad\b"),
    ("Android", r"\bAndroid\b"),
    ("Windows", r"\bWindows\b"),
    ("ChromeOS", r"\bCrOS\b"),
    ("a Mac", r"\bMacintosh\b"),
    ("Linux", r"\bLinux\b"),
)
_PROGRAM = re.compile(r"[\w.+-]{1,30}", re.ASCII)


def browser_in_words(user_agent: str | None) -> str:
    """Browser and system, such as `Firefox on Linux`; for what is no browser, the program's name.

    The order matters: most browsers also name those they descend from.
    """
    told = user_agent or ""
    browser, system = _first(_BROWSERS, told), _first(_SYSTEMS, told)
    if browser:
        return f"{browser} on {system}" if system else browser
    program = _PROGRAM.match(told)
    return f"A program ({program[0]})" if program else "Unknown browser"


def _first(patterns: tuple[tuple[str, str], ...], told: str) -> str:
    return next((name for name, pattern in patterns if re.search(pattern, told)), "")
