"""Public profiles: a person, their services and their reviews."""

import asyncio
from typing import Any

from aiohttp import web

from client import Problem
from client.resources import Listing, Review
from kit.localization.translations import gettext
from website.forms.form import Form
from website.http.page_request import Access, Page, PageRequest
from website.pages.services import with_query

REVIEWS_SHOWN, SERVICES_SHOWN = 10, 12


async def show_profile(request: PageRequest) -> web.StreamResponse:
    """Shows a public profile; 404 for an unknown or closed account."""
    return await _show(request)


async def _show(request: PageRequest, status: int = 200, **reply: Any) -> web.Response:
    """Shows the page; `form` and `replying` are a reply that was refused, and its review."""
    account_id = request.path_id("account_id")
    profile, reviews, services, categories = await asyncio.gather(
        request.api.profile(account_id), _reviews(request, account_id), _services(request, account_id),
        request.api.categories(),
    )  # fmt: skip
    only = request.query.get("service_id", "")
    more = reviews["page"]["has_more"]
    return await request.render(
        "profile.html",
        status=status,
        reload_path=f"/profiles/{account_id}",
        profile=profile,
        reviews=reviews["data"],
        only=reviews["data"][0]["service_title"] if only and reviews["data"] else "",
        next_page=with_query(request, cursor=reviews["page"]["next_cursor"]) + "#reviews" if more else None,
        is_first="cursor" not in request.query,
        first_page=with_query(request, cursor=None) + "#reviews",
        services=services["data"],
        has_more_services=services["page"]["has_more"],
        names={category["id"]: category["name"] for category in categories},
        is_own=request.person is not None and request.person.id == profile["id"],
        form=reply.get("form", Form()),
        replying=reply.get("replying", ""),
    )


async def _reviews(request: PageRequest, account_id: str) -> Listing[Review]:
    """Returns a page of reviews, of one service if the query names it; the first page of all when the
    query is invalid."""
    query = request.query
    try:
        return await request.api.profile_reviews(
            account_id,
            limit=REVIEWS_SHOWN,
            cursor=query.get("cursor") or None,
            service_id=query.get("service_id") or None,
        )
    except Problem as problem:
        if problem.status != 400:
            raise
        return await request.api.profile_reviews(account_id, limit=REVIEWS_SHOWN)


async def _services(request: PageRequest, account_id: str) -> Any:
    """Returns their active services; none for an invalid id, which the profile refuses."""
    try:
        return await request.api.search_services(provider_id=account_id, limit=SERVICES_SHOWN)
    except Problem as problem:
        if problem.status != 400:
            raise
        return {"data": [], "page": {"has_more": False, "next_cursor": None}}


async def reply_to_review(request: PageRequest) -> web.StreamResponse:
    """Posts the provider's reply to a review."""
    form, review_id = await request.form(), request.path_id("review_id")
    text = form["text"].strip()
    if not text:
        form.add_error("text", gettext("Write a few words."))
    else:
        try:
            await request.api.reply_to_review(review_id, text, key=form.key)
            return request.redirect(
                f"/profiles/{request.path_id('account_id')}#review-{review_id}", "review_replied"
            )
        except Problem as problem:
            if problem.status not in (409, 422, 429):
                raise
            form.add_problem(problem, ("text",))
    return await _show(request, status=422, form=form, replying=review_id)


async def show_typed_reply(request: PageRequest, form: Form) -> web.StreamResponse:
    """Shows the page with the typed reply."""
    return await _show(request, form=form, replying=request.path_id("review_id"))


PAGES = (
    Page("GET", "/profiles/{account_id}", show_profile),
    Page(
        "POST",
        "/profiles/{account_id}/reviews/{review_id}/reply",
        reply_to_review,
        Access.SIGNED_IN,
        redisplay=show_typed_reply,
    ),
)
