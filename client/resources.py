"""The shapes of the API's answers (times are RFC 3339, money is in minor units)."""

from typing import Any, Generic, NotRequired, TypedDict, TypeVar


class Money(TypedDict):
    """An amount in minor units of an ISO 4217 currency."""

    amount: int
    currency: str


class Party(TypedDict):
    """A person as others see them."""

    id: str
    display_name: str


class Rating(TypedDict):
    """`average` is None while `count` is 0."""

    average: float | None
    count: int


StarCounts = TypedDict("StarCounts", {"1": int, "2": int, "3": int, "4": int, "5": int})
"""How many reviews gave 1, 2, … 5 stars."""


class ServiceRating(TypedDict):
    """What a service's reviews add up to; `average` is None while `count` is 0."""

    average: float | None
    count: int
    stars: StarCounts


class Account(TypedDict):
    """One's own account."""

    id: str
    email: str
    email_verified: bool
    display_name: str
    bio: str
    roles: list[str]
    time_zone: str
    locale: str
    created_at: str
    updated_at: str
    version: int


class Session(TypedDict):
    """Being signed in. A sign-in's `device_token` tells the next one that this browser is known."""

    session_id: str
    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str
    device_token: NotRequired[str]
    account: Account


class ListedSession(TypedDict):
    """One of the places where a person is signed in; `current` is the one that asks."""

    id: str
    created_at: str
    last_used_at: str
    client: str | None
    address: str | None
    current: bool


class SecurityEvent(TypedDict):
    """Something that happened to one's account; `details` depends on the `type`."""

    id: str
    type: str
    created_at: str
    address: str | None
    browser: str | None
    details: dict[str, Any]


class Profile(TypedDict):
    """A person's public page."""

    id: str
    display_name: str
    bio: str
    member_since: str
    rating: Rating
    completed_orders: int


class Category(TypedDict):
    """What services are sorted into; `id` is a slug."""

    id: str
    name: str


class Service(TypedDict):
    """A listing. `available_actions` is what its provider may do now; `orderable`, whether others may
    order it now."""

    id: str
    title: str
    description: str
    category: str
    price: Money
    delivery_days: int
    revisions: int
    status: str
    provider: Party
    rating: Rating
    created_at: str
    updated_at: str
    version: int
    available_actions: list[str]
    orderable: bool


class ServiceReference(TypedDict):
    """The service an order is for, as it was called then."""

    id: str
    title: str


class Order(TypedDict):
    """An order, as the caller may see it."""

    id: str
    number: str
    status: int
    status_name: str
    status_label: str
    service: ServiceReference
    price: Money
    customer: Party
    provider: Party
    requirements: str
    payment_status: str
    disputed: bool
    revisions_used: int
    revisions_allowed: int
    due_at: str | None
    confirm_by: str | None
    created_at: str
    updated_at: str
    version: int
    available_transitions: list[str]


class OrderActor(TypedDict):
    """Who took a step; `id` is None for the marketplace itself. `role` is theirs on that order."""

    id: str | None
    display_name: str
    role: str


class OrderTransition(TypedDict):
    """One line of an order's history; `from_status` is None for `submit`."""

    sequence: int
    transition: str
    from_status: int | None
    to_status: int
    actor: OrderActor
    reason: str | None
    note: str | None
    created_at: str


class OrderStatus(TypedDict):
    """One row of the table of statuses."""

    code: int
    name: str
    label: str
    meaning: str


class Message(TypedDict):
    """One message in an order's thread."""

    id: str
    order_id: str
    author: Party
    body: str
    created_at: str
    read_at: str | None


class ThreadOrder(TypedDict):
    """The order a thread belongs to."""

    id: str
    number: str
    status: int
    service: ServiceReference


class Thread(TypedDict):
    """One line of the inbox; an order has one thread."""

    order_id: str
    order: ThreadOrder
    other_party: Party
    last_message: Message | None
    unread_count: int
    updated_at: str


class Actor(TypedDict):
    """Who caused a notification; `id` is None when the marketplace itself did."""

    id: str | None
    display_name: str


class Channels(TypedDict):
    """Where notifications of one category go."""

    in_app: bool
    email: bool


class Preferences(TypedDict):
    """What a person is told, and where."""

    order_updates: Channels
    messages: Channels
    reviews: Channels
    payments: Channels


class Notification(TypedDict):
    """Something a person is told."""

    id: str
    type: str
    order_id: str | None
    actor: Actor
    data: dict[str, Any]
    created_at: str
    read_at: str | None


class Reply(TypedDict):
    """The provider's answer to a review."""

    text: str
    created_at: str


class Review(TypedDict):
    """What a customer says of a completed order. `available_actions` is what its author may do until
    `edit_by` (`edit`), and its provider once (`reply`)."""

    id: str
    order_id: str
    service_id: str
    service_title: str
    rating: int
    text: str | None
    author: Party
    provider: Party
    reply: Reply | None
    hidden: bool
    created_at: str
    updated_at: str
    version: int
    available_actions: list[str]
    edit_by: str


class Refund(TypedDict):
    """Money given back; `fee` and `provider_share` are what the two gave up of it."""

    id: str
    payment_id: str
    order_id: str
    amount: Money
    fee: Money
    provider_share: Money
    reason: str
    status: str
    created_at: str
    updated_at: str


class Receivable(TypedDict):
    """What a completed order owes, and until when; `available_actions` has `pay` for its customer."""

    order_id: str
    order_number: str
    amount: Money
    payment_status: str
    due_at: str
    available_actions: list[str]
    version: int


class Payment(TypedDict):
    """One try to pay an order. `action_url` is where the customer goes while it `requires_action`, at the
    latest at `action_expires_at`; it may be a path of the API. `available_actions` is what the caller can
    do: `confirm`, `retry`, `refund` (at most `refundable`)."""

    id: str
    order_id: str
    order_number: str
    service: ServiceReference
    customer: Party
    provider: Party
    amount: Money
    fee: Money
    provider_share: Money
    refunded: Money
    refundable: Money
    status: str
    processor: str
    method: str
    action_url: str | None
    action_expires_at: str | None
    failure: str | None
    refunds: list[Refund]
    created_at: str
    updated_at: str
    paid_at: str | None
    available_at: str | None
    available_actions: list[str]
    version: int


class Balance(TypedDict):
    """What a provider has earned, per currency; `available` may be negative after a refund. `payable` is
    what can be paid out now."""

    available: list[Money]
    pending: list[Money]
    payable: list[Money]


class Transaction(TypedDict):
    """One movement of a person's money, as customer or as provider (`role`)."""

    id: str
    type: str
    role: str
    amount: Money
    pending: Money
    available: Money
    order_id: str | None
    order_number: str | None
    service_title: str | None
    payment_id: str | None
    payout_id: str | None
    created_at: str


class Payout(TypedDict):
    """Money on its way to a provider; a failed one is in the balance again."""

    id: str
    provider: Party
    amount: Money
    status: str
    failure: str | None
    created_at: str
    updated_at: str
    version: int


class StatementTotal(TypedDict):
    """One currency of a month, in minor units, from its opening to its closing balance."""

    currency: str
    opening: int
    gross: int
    fees: int
    refunded: int
    paid_out: int
    closing: int


class Statement(TypedDict):
    """A provider's month."""

    month: str
    provider: Party
    totals: list[StatementTotal]
    lines: list[Transaction]
    lines_left_out: int


class SandboxAction(TypedDict):
    """What a page of the sandbox shows; it waits for an answer while it `requires_action`."""

    amount: Money
    status: str
    order_id: str


class HelpArticle(TypedDict):
    """One question and its answer, in Markdown."""

    id: str
    title: str
    body: str


class HelpGroup(TypedDict):
    """The help articles of one subject."""

    group: str
    title: str
    articles: list[HelpArticle]


class PageLinks(TypedDict):
    """Where a list goes on."""

    next_cursor: str | None
    has_more: bool


Item = TypeVar("Item")


class Listing(TypedDict, Generic[Item]):
    """One page of a list."""

    data: list[Item]
    page: PageLinks


class LiveEvent(TypedDict):
    """One event of the live stream; thin: refetch what it names."""

    id: str
    type: str
    data: dict[str, Any]
