"""Public profiles: who somebody is, what they offer, and what was said of their work."""

import asyncio
from typing import Any

from aiohttp import web

from client import Problem
from client.resources import Listing, Review
from website.forms.form import Form
from website.http.page_request import Page, Visit, Who
from website.pages.services import address

REVIEWS_SHOWN, SERVICES_SHOWN = 10, 12


async def show_profile(visit: Visit) -> web.StreamResponse:
    """One person's public page; nobody's, and that of somebody who left, is not found."""
    return await _show(visit)


async def _show(visit: Visit, status: int = 200, **reply: Any) -> web.Response:
    """The page; with `form` and `replying`, a reply that could not be posted."""
    account_id = visit.part("account_id")
    profile, reviews, services, categories = await asyncio.gather(
        visit.api.profile(account_id), _reviews(visit, account_id), _services(visit, account_id),
        visit.api.categories(),
    )  # fmt: skip
    only = visit.request.query.get("service_id", "")
    more = reviews["page"]["has_more"]
    return await visit.show(
        "profile.html",
        status=status,
        again=f"/profiles/{account_id}",
        profile=profile,
        reviews=reviews["data"],
        only=reviews["data"][0]["service_title"] if only and reviews["data"] else "",
        next_page=address(visit, cursor=reviews["page"]["next_cursor"]) + "#reviews" if more else None,
        is_first="cursor" not in visit.request.query,
        first_page=address(visit, cursor=None) + "#reviews",
        services=services["data"],
        has_more_services=services["page"]["has_more"],
        names={category["id"]: category["name"] for category in categories},
        is_own=visit.person is not None and visit.person.id == profile["id"],
        form=reply.get("form", Form()),
        replying=reply.get("replying", ""),
    )


async def _reviews(visit: Visit, account_id: str) -> Listing[Review]:
    """A page of reviews, of one service when the address says so; the first one of all when what
    it says is of no use."""
    query = visit.request.query
    try:
        return await visit.api.profile_reviews(
            account_id,
            limit=REVIEWS_SHOWN,
            cursor=query.get("cursor") or None,
            service_id=query.get("service_id") or None,
        )
    except Problem as problem:
        if problem.status != 400:
            raise
        return await visit.api.profile_reviews(account_id, limit=REVIEWS_SHOWN)


async def _services(visit: Visit, account_id: str) -> Any:
    """Their active services. The id is looked at by the profile: a bad one has no services."""
    try:
        return await visit.api.search_services(provider_id=account_id, limit=SERVICES_SHOWN)
    except Problem as problem:
        if problem.status != 400:
            raise
        return {"data": [], "page": {"has_more": False, "next_cursor": None}}


async def reply_to_review(visit: Visit) -> web.StreamResponse:
    """The provider's one reply."""
    form, review_id = await visit.form(), visit.part("review_id")
    text = form["text"].strip()
    if not text:
        form.refuse("text", "Write a few words.")
    else:
        try:
            await visit.api.reply_to_review(review_id, text, key=form.key)
            return visit.go(f"/profiles/{visit.part('account_id')}#review-{review_id}", "review_replied")
        except Problem as problem:
            if problem.status not in (409, 422, 429):
                raise
            form.take(problem, ("text",))
    return await _show(visit, status=422, form=form, replying=review_id)


async def show_typed_reply(visit: Visit, form: Form) -> web.StreamResponse:
    """The page with what was typed for a reply."""
    return await _show(visit, form=form, replying=visit.part("review_id"))


PAGES = (
    Page("GET", "/profiles/{account_id}", show_profile),
    Page(
        "POST",
        "/profiles/{account_id}/reviews/{review_id}/reply",
        reply_to_review,
        Who.SIGNED_IN,
        again=show_typed_reply,
    ),
)
