"""What people do on the site with mouse and keyboard, in the words they see."""

from uuid import uuid4

from playwright.sync_api import Locator, Page, expect

from tests.website.browser.support.visitors import Visitor
from tests.website.support.market import PASSWORD


def sign_up(visitor: Visitor, name: str) -> str:
    """Makes an account on the site; its e-mail address."""
    email = f"{uuid4().hex[:16]}@example.com"
    page = visitor.open("/sign-up")
    page.get_by_label("Your name").fill(name)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign up").click()
    expect(page.get_by_text("Welcome to MicroTasks!")).to_be_visible()
    return email


def post_service(visitor: Visitor, title: str) -> None:
    """Offers a service."""
    page = visitor.open("/dashboard/services/new")
    fill_service(page, title)
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("heading", name=title).first).to_be_visible()


def fill_service(page: Page, title: str) -> None:
    """Fills in the form of a service."""
    page.get_by_label("Title").fill(title)
    page.get_by_label("What people get").fill("A page of text, read twice, with every slip marked.")
    page.get_by_label("Category").select_option(label="Writing")
    page.get_by_label("Price").fill("45")
    page.get_by_label("Currency").select_option("EUR")
    page.get_by_label("Delivery in days").fill("3")
    page.get_by_label("Rounds of changes").fill("2")


def find_service(visitor: Visitor, words: str, title: str) -> Page:
    """Searches from the header, and opens what was found."""
    page = visitor.open("/")
    search = page.get_by_role("banner").get_by_role("searchbox")
    search.fill(words)
    search.press("Enter")
    page.get_by_role("link", name=title).click()
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
    return page


def submit_order(page: Page, requirements: str) -> str:
    """Orders the service whose page is open; the order's path."""
    page.get_by_role("link", name="Order", exact=True).click()
    page.get_by_label("What do you need?").fill(requirements)
    page.get_by_role("button", name="Submit order").click()
    expect(page.get_by_text("Your request is sent.")).to_be_visible()
    return page.url.partition("#")[0]


def write(page: Page, text: str) -> None:
    """Sends a message from the order's page."""
    page.get_by_label("Message to").fill(text)
    page.get_by_role("button", name="Send message").click()
    expect(thread(page).get_by_text(text)).to_be_visible()


def act(page: Page, action: str, text: str | None = None) -> None:
    """Does one of the actions of an order's page; those that ask something open first."""
    place = page.locator("#order-actions")
    if text is None:
        place.get_by_role("button", name=action, exact=True).click()
        return
    place.locator("summary", has_text=action).click()
    form = place.locator("details[open]")
    form.get_by_role("textbox").fill(text)
    form.get_by_role("button", name=action).click()


def pay(page: Page, method: str) -> None:
    """Pays with a method of the sandbox."""
    panel = page.locator("#order-payment")
    panel.get_by_label(method).check()
    panel.get_by_role("button", name="Pay").click()


def submit_review(page: Page, stars: int, text: str) -> None:
    """Reviews the order whose page is open."""
    panel = page.locator("#order-review")
    panel.locator("label", has_text=f"{stars} star").click()
    expect(panel.get_by_role("radio", name=f"{stars} star")).to_be_checked()
    panel.get_by_label("How was it?").fill(text)
    panel.get_by_role("button", name="Submit Review").click()
    expect(page.get_by_text("Thank you for your review!")).to_be_visible()


def thread(page: Page) -> Locator:
    """The conversation and history of an order's page."""
    return page.locator("#order-thread")
