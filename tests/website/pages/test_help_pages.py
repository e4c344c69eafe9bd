"""Help speaks of the site as it is: its links lead to pages, and it uses the words of the buttons."""

import re
from importlib.resources import files

from gateway.help import HELP
from website.pages import PAGES
from website.views import labels as words

TEMPLATES = files("website") / "templates"
ARTICLES = {article["id"]: article["body"] for group in HELP for article in group["articles"]}
LINK = re.compile(r"\[([^\]]+)\]\(([^)#]+)(?:#([\w-]+))?\)")
FORMER_WORDS = ("My account", "My balance", "My transactions", "in the app", "Where…")


def test_every_link_leads_to_a_page_and_to_a_part_of_it() -> None:
    paths = {page.path for page in PAGES if page.method == "GET"}
    found = [link for body in ARTICLES.values() for link in LINK.findall(body)]
    assert len(found) > 10
    for _, path, part in found:
        assert path in paths
        if part:
            template = (TEMPLATES / f"{path.strip('/')}.html").read_text("utf-8")
            assert f'id="{part}"' in template


def test_it_names_nothing_that_the_site_does_not_have() -> None:
    told = " ".join(" ".join(body.split()) for body in ARTICLES.values())
    assert [word for word in FORMER_WORDS if word in told] == []


def test_it_calls_what_one_may_do_as_the_buttons_do() -> None:
    told = " ".join(" ".join(body.split()) for body in ARTICLES.values())
    for action, name in words.ACTIONS.items():
        if action != "resolve_dispute":  # only staff do that
            assert f'"{name}"' in told, name
    for label in words.STATUS_LABELS.values():
        assert label in told
