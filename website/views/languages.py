"""Languages and time zones that people choose from."""

import functools
import zoneinfo
from importlib import resources

from kit.localization.locales import locale_of
from kit.localization.translations import N_, gettext

LANGUAGES = (
    "en", "en-GB", "en-US", "en-AU", "en-CA", "en-IE", "en-IN", "cs", "da", "de", "de-AT", "de-CH", "el",
    "es", "es-MX", "et", "fi", "fr", "fr-CA", "fr-CH", "hr", "hu", "it", "ja", "ko", "lt", "lv", "nb", "nl",
    "pl", "pt", "pt-BR", "ro", "sk", "sl", "sv", "tr", "uk", "zh-Hans", "zh-Hant",
)  # fmt: skip

EVERYWHERE, YOURS = N_("Everywhere"), N_("Yours")
REGIONS = (
    N_("Africa"), N_("America"), N_("Antarctica"), N_("Arctic"), N_("Asia"), N_("Atlantic"), N_("Australia"),
    N_("Europe"), N_("Indian"), N_("Pacific"),
)  # fmt: skip  # of the names of time zones

Choice = tuple[str, str]


def language_choices(chosen: str) -> list[Choice]:
    """Tags with the languages' own names, in the order of these; the chosen one is among them."""
    tags = {*LANGUAGES, chosen} if chosen else set(LANGUAGES)
    named = [(tag, _own_name(tag)) for tag in tags]
    return sorted(named, key=lambda choice: choice[1].casefold())


def _own_name(tag: str) -> str:
    name = locale_of(tag).get_display_name() or tag
    return str(name[:1].upper() + name[1:])


@functools.cache
def _zones() -> tuple[tuple[str, tuple[Choice, ...]], ...]:
    # One name for each place, and today's: the list of all names also has Calcutta, Kiev and NSW.
    table = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text().splitlines()
    grouped: dict[str, list[Choice]] = {}
    for name in sorted(line.split("\t")[2] for line in table if line and not line.startswith("#")):
        region, _, place = name.partition("/")
        grouped.setdefault(region, []).append((name, place.replace("_", " ").replace("/", ", ")))
    everywhere = ((EVERYWHERE, (("UTC", "UTC"),)),)
    return (*everywhere, *((region, tuple(zones)) for region, zones in grouped.items()))


_names = functools.cache(zoneinfo.available_timezones)  # reads a folder tree


def is_zone(name: str) -> bool:
    """Whether there is a time zone of that name; browsers still use old ones."""
    region = name.partition("/")[0]
    return name == "UTC" or (region in dict(_zones()) and name in _names())


def zone_choices(chosen: str) -> list[tuple[str, tuple[Choice, ...]]]:
    """IANA time zones by region; the chosen one is among them, old names too."""
    groups = list(_zones())
    if chosen and not any(chosen == name for _, zones in groups for name, _ in zones):
        groups.insert(1, (YOURS, ((chosen, chosen),)))
    return [(gettext(region), zones) for region, zones in groups]
