import base64
import json
from typing import Any

import pytest
from sqlalchemy import text

from kit.errors import BadQuery, NotFound, Unauthenticated
from kit.validation import rfc3339
from services.accounts import contract as accounts_contract
from services.reviews import contract, queries
from tests.reviews.testbed import ReviewsTestbed
from tests.support.placed_orders import new_id


def hide(testbed: ReviewsTestbed, review: dict[str, Any]) -> None:
    testbed.reviews.execute(
        "UPDATE reviews SET hidden_at = now(), hidden_reason = 'Rude' WHERE id = :id", id=review["id"]
    )


def test_the_parties_and_staff_read_the_review_of_an_order(testbed: ReviewsTestbed) -> None:
    order = testbed.order()
    review = testbed.submit(order)
    for caller in (testbed.customer, testbed.provider, testbed.staff):
        assert testbed.get(order, caller) == review
    with pytest.raises(NotFound):
        testbed.get(order, testbed.stranger)
    with pytest.raises(Unauthenticated):
        testbed.reviews.call_as(None, contract.GET_REVIEW, order_id=order.id)


def test_an_order_without_a_review_has_none_to_read(testbed: ReviewsTestbed) -> None:
    order = testbed.order()
    for caller in (testbed.customer, testbed.provider, testbed.staff, testbed.stranger):
        with pytest.raises(NotFound):
            testbed.get(order, caller)


def test_anybody_reads_a_profiles_reviews_newest_first(testbed: ReviewsTestbed) -> None:
    submitted = [testbed.submit(testbed.order(), rating=stars) for stars in (1, 2, 3)]
    testbed.reply(submitted[0])
    testbed.submit(testbed.order(provider=testbed.stranger))
    for caller in (None, testbed.stranger, testbed.provider):
        page = testbed.page(testbed.provider, caller)
        assert [review["rating"] for review in page["data"]] == [3, 2, 1]
        assert page["next_cursor"] is None
    assert page["data"][2]["reply"]["text"] == "Thank you!"


def test_a_provider_without_reviews_has_an_empty_list(testbed: ReviewsTestbed) -> None:
    assert testbed.page(testbed.provider) == {"data": [], "next_cursor": None}


def test_a_malformed_id_has_no_list(testbed: ReviewsTestbed) -> None:
    with pytest.raises(NotFound):
        testbed.reviews.call_as(None, contract.LIST_PROFILE_REVIEWS, account_id="42")


def test_pages_neither_repeat_nor_skip_even_within_one_moment_and_as_reviews_arrive(
    testbed: ReviewsTestbed,
) -> None:
    expected = {testbed.submit(testbed.order())["id"] for _ in range(7)}
    testbed.reviews.execute("UPDATE reviews SET created_at = date_trunc('day', created_at)")
    seen: list[str] = []
    cursor = None
    while True:
        page = testbed.page(testbed.provider, limit=2, cursor=cursor)
        seen += [review["id"] for review in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        testbed.submit(testbed.order())
    assert len(seen) == len(set(seen)) == 7
    assert set(seen) == expected


def test_a_hidden_review_is_seen_by_its_parties_and_staff_only(testbed: ReviewsTestbed) -> None:
    order = testbed.order()
    review = testbed.submit(order)
    kept = testbed.submit(testbed.order())
    hide(testbed, review)
    assert [shown["id"] for shown in testbed.page(testbed.provider)["data"]] == [kept["id"]]
    for caller in (testbed.customer, testbed.provider, testbed.staff):
        assert testbed.get(order, caller)["hidden"] is True


def crafted(cursor: str, *position: object) -> str:
    digest = json.loads(base64.urlsafe_b64decode(cursor + "=="))[0]
    return base64.urlsafe_b64encode(json.dumps([digest, *position]).encode()).decode().rstrip("=")


def test_a_cursor_that_is_not_ours_is_a_bad_query(testbed: ReviewsTestbed) -> None:
    for _ in range(2):
        testbed.submit(testbed.order())
    cursor = testbed.page(testbed.provider, limit=1)["next_cursor"]
    bad: list[str] = ["", "x", "%%%", cursor[:-4]]
    for position in ((1, 2), (None, None), ("now", new_id()), ("2026-01-01", new_id())):
        bad.append(crafted(cursor, *position))
    bad.append(crafted(cursor, "2026-01-01T00:00:00Z", "'; --"))
    bad.append(crafted(cursor, "2026-01-01T00:00:00Z", ["x"]))
    for wrong in bad:
        with pytest.raises(BadQuery):
            testbed.page(testbed.provider, cursor=wrong)
    with pytest.raises(BadQuery):
        testbed.page(testbed.stranger, cursor=cursor)


# --- one service ------------------------------------------------------------------------------


def stars_of(testbed: ReviewsTestbed, service_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = testbed.reviews.call_as(None, contract.GET_SERVICE_RATING, service_id=service_id)
    assert contract.ServiceRating().validate(answer) == {}
    return answer


def test_a_profiles_reviews_of_one_service_alone(testbed: ReviewsTestbed) -> None:
    other = {"id": new_id(), "title": "A letter"}
    of_service = [testbed.submit(testbed.order()) for _ in range(3)]
    testbed.submit(testbed.order(service=other))
    asked: dict[str, Any] = {"service_id": testbed.service["id"], "limit": 2}
    page = testbed.page(testbed.provider, **asked)
    assert [review["id"] for review in page["data"]] == [of_service[2]["id"], of_service[1]["id"]]
    rest = testbed.page(testbed.provider, cursor=page["next_cursor"], **asked)
    assert [review["id"] for review in rest["data"]] == [of_service[0]["id"]]
    assert testbed.page(testbed.stranger, **asked)["data"] == []
    with pytest.raises(BadQuery):
        testbed.page(testbed.provider, cursor=page["next_cursor"])
    with pytest.raises(BadQuery):
        testbed.page(testbed.provider, cursor=page["next_cursor"], service_id=other["id"])


def test_the_stars_of_a_service_are_counted_without_hidden_reviews(testbed: ReviewsTestbed) -> None:
    for rating in (5, 5, 4, 1):
        testbed.submit(testbed.order(), rating=rating)
    hide(testbed, testbed.submit(testbed.order(), rating=1))
    testbed.submit(testbed.order(service={"id": new_id(), "title": "A letter"}), rating=2)
    assert stars_of(testbed, testbed.service["id"]) == {
        "average": 3.75, "count": 4, "stars": {"1": 1, "2": 0, "3": 0, "4": 1, "5": 2},
    }  # fmt: skip
    assert len(testbed.reviews.statements) == 1


def test_a_service_without_reviews_has_no_stars_and_a_malformed_id_none_at_all(
    testbed: ReviewsTestbed,
) -> None:
    nothing = {"average": None, "count": 0, "stars": dict.fromkeys("12345", 0)}
    assert stars_of(testbed, new_id()) == nothing
    with pytest.raises(NotFound):
        stars_of(testbed, "42")


def test_a_review_that_an_earlier_release_writes_counts_for_its_service(testbed: ReviewsTestbed) -> None:
    order = testbed.order()
    testbed.reviews.execute(
        "INSERT INTO reviews (id, order_id, provider_id, rating, created_at, updated_at)"
        " VALUES (gen_random_uuid(), :order_id, :provider_id, 4, now(), now())",
        order_id=order.id,
        provider_id=testbed.provider.id,
    )
    assert stars_of(testbed, testbed.service["id"])["count"] == 1
    assert len(testbed.page(testbed.provider, service_id=testbed.service["id"])["data"]) == 1


# --- names ------------------------------------------------------------------------------------


def rename(
    testbed: ReviewsTestbed, account_id: str, name: str, version: int, registered: bool = False
) -> None:
    event = accounts_contract.ACCOUNT_REGISTERED if registered else accounts_contract.ACCOUNT_UPDATED
    testbed.reviews.deliver(event, account_id=account_id, display_name=name, account_version=version)


def test_reviews_show_what_people_are_called_now(testbed: ReviewsTestbed) -> None:
    order = testbed.order()
    testbed.submit(order)
    rename(testbed, testbed.customer.id, "Cleo Newname", 2)
    rename(testbed, testbed.provider.id, "Petra Newname", 7)
    for review in (testbed.get(order, testbed.staff), *testbed.page(testbed.provider)["data"]):
        assert review["author"]["display_name"] == "Cleo Newname"
        assert review["provider"]["display_name"] == "Petra Newname"
    assert testbed.submit(testbed.order())["author"]["display_name"] == "Cleo Newname"


def test_an_older_name_that_arrives_late_is_ignored(testbed: ReviewsTestbed) -> None:
    order = testbed.order()
    testbed.submit(order)
    for name, version, registered in (("Third", 3, False), ("First", 1, True), ("Second", 2, False)):
        rename(testbed, testbed.customer.id, name, version, registered)
        assert testbed.get(order, testbed.customer)["author"]["display_name"] == "Third"


def test_a_registered_name_is_kept(testbed: ReviewsTestbed) -> None:
    rename(testbed, testbed.customer.id, "Registered", 1, registered=True)
    assert testbed.submit(testbed.order())["author"]["display_name"] == "Registered"


# --- counts -----------------------------------------------------------------------------------


def test_reads_are_one_statement_whatever_the_page(testbed: ReviewsTestbed) -> None:
    orders = [testbed.order() for _ in range(5)]
    for order in orders:
        testbed.submit(order)
    testbed.get(orders[0], testbed.customer)
    assert len(testbed.reviews.statements) == 1
    cursor = testbed.page(testbed.provider, limit=1)["next_cursor"]
    assert len(testbed.reviews.statements) == 1
    testbed.page(testbed.provider, limit=100, cursor=cursor)
    assert len(testbed.reviews.statements) == 1


def test_a_write_is_one_transaction_of_few_statements(testbed: ReviewsTestbed) -> None:
    review = testbed.submit(testbed.order())
    assert len(testbed.reviews.statements) == 4  # order, review, ratings, outbox
    testbed.edit(review, rating=1)
    assert len(testbed.reviews.statements) == 5
    testbed.edit(review, text="Hm")
    assert len(testbed.reviews.statements) == 4  # no rating moves
    testbed.reply(review)
    assert len(testbed.reviews.statements) == 4


def test_an_event_costs_its_inbox_row_and_one_statement(testbed: ReviewsTestbed) -> None:
    testbed.order()
    assert len(testbed.reviews.statements) == 2
    rename(testbed, testbed.customer.id, "New", 2)
    assert len(testbed.reviews.statements) == 2


def test_the_public_list_walks_its_index_without_a_sort(testbed: ReviewsTestbed) -> None:
    testbed.reviews.execute(MANY_REVIEWS, provider=testbed.provider.id)
    testbed.reviews.execute("ANALYZE review_slots; ANALYZE reviews; ANALYZE display_names")
    last = testbed.page(testbed.provider, limit=100)["data"][-1]
    assert last["created_at"] > rfc3339(testbed.rows("reviews WHERE rating = 1")[0]["created_at"])
    plan = plan_of(testbed, queries.provider_page(testbed.provider.id, 20, None))
    assert "reviews_of_provider" in plan
    assert "Sort" not in plan
    assert "Seq Scan on reviews" not in plan
    assert "Seq Scan on review_slots" not in plan


def test_a_services_list_and_stars_walk_their_own_index(testbed: ReviewsTestbed) -> None:
    testbed.reviews.execute(MANY_REVIEWS, provider=testbed.provider.id)
    testbed.reviews.execute(
        "UPDATE reviews SET service_id = CAST(:id AS uuid) WHERE provider_id = CAST(:provider AS uuid)"
        " AND abs(hashtext(id::text)) % 5 = 0",
        id=testbed.service["id"],
        provider=testbed.provider.id,
    )
    with testbed.reviews.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE reviews"))
    list_plan = plan_of(testbed, queries.provider_page(testbed.provider.id, 20, None, testbed.service["id"]))
    assert "reviews_of_service" in list_plan
    assert "Sort" not in list_plan
    assert "Index Only Scan" in plan_of(testbed, queries.service_stars(testbed.service["id"]))


def plan_of(testbed: ReviewsTestbed, asked: Any) -> str:
    statement = asked.compile(dialect=testbed.reviews.engine.dialect, compile_kwargs={"literal_binds": True})
    return "\n".join(row["QUERY PLAN"] for row in testbed.select(f"EXPLAIN {statement}"))


MANY_REVIEWS = """
WITH numbers AS (SELECT n, gen_random_uuid() AS order_id FROM generate_series(1, 20000) AS n),
slots AS (
    INSERT INTO review_slots
    SELECT order_id, gen_random_uuid(), 'C', CASE WHEN n % 4 = 0 THEN CAST(:provider AS uuid)
        ELSE gen_random_uuid() END, 'P', gen_random_uuid(), 'T', 4, 4, now()
    FROM numbers RETURNING order_id, provider_id
)
INSERT INTO reviews (id, order_id, provider_id, rating, created_at, updated_at)
SELECT gen_random_uuid(), slots.order_id, provider_id, CASE WHEN n = 4 THEN 1 ELSE 5 END,
    now() - make_interval(secs => 20000 - n), now()
FROM slots JOIN numbers USING (order_id)
"""
