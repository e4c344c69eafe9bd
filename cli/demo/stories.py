"""The orders of the demo: who orders what from whom, and the steps of each. The seed is fixed."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cli.demo import texts
from cli.demo.offers import Offer
from cli.demo.people import CUSTOMERS, EVERYBODY, PROVIDERS

SEED = 20261123
CUSTOMER, PROVIDER, STAFF = "customer", "provider", "staff"
REPLIED_SHARE, REVIEWED_SHARE, SILENT_SHARE = 0.6, 0.85, 0.25
PAID_SHARE, DECLINED_SHARE, REFUNDED_SHARE = 0.8, 0.1, 0.08
STARS = (5, 5, 5, 5, 5, 4, 4, 4, 3, 3, 2, 1)
MESSAGE, REVIEW, REPLY, PAY, REFUND = "message", "review", "reply", "pay", "refund"
BESIDE_THE_LIFECYCLE = frozenset({MESSAGE, REVIEW, REPLY, PAY, REFUND})

T = TypeVar("T")
FIRST_NAMES = {person.handle: person.display_name.split()[0] for person in EVERYBODY}


@dataclass(frozen=True)
class Step:
    """One thing that somebody does: a message, a review, a reply, a payment (`text` is the method), a
    refund, or a transition of that name."""

    who: str
    what: str
    text: str | None = None
    stars: int = 0
    to_status: int | None = None


@dataclass(frozen=True)
class Story:
    """One order and all its steps. `status` is where it ends."""

    number: int
    customer: str
    offer: Offer
    requirements: str
    steps: tuple[Step, ...]
    status: int


class StoryWriter:
    """Chooses the steps and texts of one story at random."""

    def __init__(self, chance: random.Random, customer: str, offer: Offer) -> None:
        self.chance = chance
        self._names = {"customer": FIRST_NAMES[customer], "provider": FIRST_NAMES[offer.provider]}

    def pick(self, sentences: Sequence[str | None]) -> str | None:
        """Returns one of the sentences, with the names filled in."""
        chosen = self.chance.choice(sentences)
        return None if chosen is None else chosen.format(**self._names)

    def includes(self, share: float) -> bool:
        """Decides at random whether this story includes what this share of all stories do."""
        return self.chance.random() < share

    def talk(self, *lines: tuple[str, Sequence[str]]) -> list[Step]:
        """Some of these messages."""
        return [Step(who, MESSAGE, self.pick(said)) for who, said in lines if not self.includes(SILENT_SHARE)]


Plot = Callable[[StoryWriter], list[Step]]


def _question(writer: StoryWriter) -> list[Step]:
    return writer.talk((CUSTOMER, texts.CUSTOMER_QUESTIONS))


def _approved(writer: StoryWriter) -> list[Step]:
    return [*_question(writer), Step(PROVIDER, "approve"), *writer.talk((PROVIDER, texts.PROVIDER_ANSWERS))]


def _in_progress(writer: StoryWriter) -> list[Step]:
    return [*_approved(writer), *writer.talk((PROVIDER, texts.PROGRESS))]


def _delivered(writer: StoryWriter) -> list[Step]:
    return [*_in_progress(writer), Step(PROVIDER, "complete_work", writer.pick(texts.DELIVERY_NOTES))]


def _changes_wanted(writer: StoryWriter) -> list[Step]:
    step = Step(CUSTOMER, "request_changes", writer.pick(texts.CHANGE_REASONS))
    return [*_delivered(writer), step, *writer.talk((PROVIDER, texts.PROVIDER_ANSWERS))]


def _delivered_again(writer: StoryWriter) -> list[Step]:
    return [*_changes_wanted(writer), Step(PROVIDER, "complete_work", writer.pick(texts.DELIVERY_NOTES))]


def _ending_well(writer: StoryWriter, steps: list[Step]) -> list[Step]:
    steps = [*steps, *writer.talk((CUSTOMER, texts.THANKS)), Step(CUSTOMER, "confirm")]
    steps += writer.talk((PROVIDER, texts.AFTERWORDS))
    if writer.includes(REVIEWED_SHARE):
        stars = writer.chance.choice(STARS)
        steps.append(Step(CUSTOMER, REVIEW, writer.pick(texts.REVIEWS[stars]), stars=stars))
        if writer.includes(REPLIED_SHARE):
            steps.append(Step(PROVIDER, REPLY, writer.pick(texts.REPLIES[stars > 3])))
    return [*steps, *_paid(writer)] if writer.includes(PAID_SHARE) else steps


def _paid(writer: StoryWriter) -> list[Step]:
    steps = [Step(CUSTOMER, PAY, "sandbox_declined")] if writer.includes(DECLINED_SHARE) else []
    steps.append(Step(CUSTOMER, PAY, "sandbox_ok"))
    if writer.includes(REFUNDED_SHARE):
        steps.append(Step(PROVIDER, REFUND, writer.pick(texts.REFUND_REASONS)))
    return steps


def _completed(writer: StoryWriter) -> list[Step]:
    return _ending_well(writer, _delivered(writer))


def _completed_after_changes(writer: StoryWriter) -> list[Step]:
    return _ending_well(writer, _delivered_again(writer))


def _declined(writer: StoryWriter) -> list[Step]:
    return [*_question(writer), Step(PROVIDER, "decline", writer.pick(texts.DECLINE_REASONS))]


def _withdrawn(writer: StoryWriter) -> list[Step]:
    return [*_question(writer), Step(CUSTOMER, "withdraw")]


def _cancelled_by_customer(writer: StoryWriter) -> list[Step]:
    return [*_approved(writer), Step(CUSTOMER, "cancel", writer.pick(texts.CUSTOMER_CANCEL_REASONS))]


def _cancelled_by_provider(writer: StoryWriter) -> list[Step]:
    return [*_in_progress(writer), Step(PROVIDER, "cancel", writer.pick(texts.PROVIDER_CANCEL_REASONS))]


def _disputed_in_progress(writer: StoryWriter) -> list[Step]:
    return [*_in_progress(writer), Step(CUSTOMER, "open_dispute", writer.pick(texts.DISPUTE_REASONS))]


def _disputed_when_delivered(writer: StoryWriter) -> list[Step]:
    return [*_delivered(writer), Step(CUSTOMER, "open_dispute", writer.pick(texts.DISPUTE_REASONS))]


def _resolved(to_status: int) -> Plot:
    def plot(writer: StoryWriter) -> list[Step]:
        decision = Step(STAFF, "resolve_dispute", texts.RESOLUTIONS[to_status], to_status=to_status)
        return [*_disputed_when_delivered(writer), decision]

    return plot


# How many orders go which way, and the status they end in. Resolutions need a member of staff.
PLOTS: tuple[tuple[Plot, int, int], ...] = (
    (_question, 16, 1),
    (_approved, 9, 2),
    (_in_progress, 8, 2),
    (_changes_wanted, 4, 2),
    (_delivered, 12, 3),
    (_delivered_again, 4, 3),
    (_completed, 46, 4),
    (_completed_after_changes, 10, 4),
    (_declined, 8, 7),
    (_withdrawn, 7, 7),
    (_cancelled_by_customer, 4, 7),
    (_cancelled_by_provider, 4, 7),
    (_disputed_in_progress, 3, 2),
    (_disputed_when_delivered, 2, 3),
    (_resolved(2), 1, 2),
    (_resolved(4), 1, 4),
    (_resolved(7), 1, 7),
)
WITH_CHANGES = (_changes_wanted, _delivered_again, _completed_after_changes)


def stories(offers: Sequence[Offer]) -> list[Story]:
    """Returns all orders of the demo. No customer asks for the same thing twice."""
    chance = random.Random(SEED)  # noqa: S311 - variety, not secrecy
    plots = [(plot, status) for plot, count, status in PLOTS for _ in range(count)]
    chance.shuffle(plots)
    briefs = [(offer, brief) for offer in offers for brief in offer.briefs]
    written: list[Story] = []
    for number, (plot, status) in enumerate(plots):
        offer, brief = _choose_brief(chance, briefs, number, revisable=plot in WITH_CHANGES)
        customer = _customer(chance, offer, brief, written)
        writer = StoryWriter(chance, customer, offer)
        wanted = f"{writer.pick(texts.OPENINGS)}{brief}{writer.pick(texts.CLOSINGS)}"
        written.append(Story(number, customer, offer, wanted, tuple(plot(writer)), status))
    return written


def _choose_brief(
    chance: random.Random, briefs: Sequence[tuple[Offer, str]], number: int, revisable: bool
) -> tuple[Offer, str]:
    """Every brief is used once before chance chooses, so that no service stays without orders."""
    if number < len(briefs) and (briefs[number][0].revisions or not revisable):
        return briefs[number]
    return chance.choice([brief for brief in briefs if brief[0].revisions or not revisable])


def _customer(chance: random.Random, offer: Offer, brief: str, written: Sequence[Story]) -> str:
    taken = {s.customer for s in written if s.offer is offer and brief in s.requirements}
    buyers = [p.handle for p in CUSTOMERS * 3 + PROVIDERS if p.handle != offer.provider]
    return chance.choice([handle for handle in buyers if handle not in taken])
