"""Forms: what was typed, what is wrong with it, and the key that makes sending it twice harmless."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from client import Problem
from kit.http.body import RefusedBody
from kit.translations import gettext
from website.security.account_signatures import OWNER_FIELD

KEY, NEXT, PENDING = "_key", "_next", "_carried"
_KEY = re.compile(r"[0-9a-f]{32}")


def new_key() -> str:
    """An idempotency key for a form that is shown now."""
    return uuid4().hex


@dataclass
class Form:
    """One form, as it was sent or as it is to be shown.

    `values` are texts by field; `errors` say by field what is wrong, `summary` what is wrong with the
    whole. `key` is the idempotency key under which the form was sent, `owner` says whose it is, and `carried`
    is another form that was sealed to get through the sign-in page.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    key: str = field(default_factory=new_key)
    owner: str = ""
    carried: str = ""

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    def given(self, *names: str) -> dict[str, str]:
        """Those of the fields that were filled in."""
        return {name: self[name] for name in names if self[name].strip()}

    @property
    def first_wrong(self) -> str:
        """The first wrong field as the page has them; empty when none is."""
        return next((name for name in (*self.values, *self.errors) if name in self.errors), "")

    def add_error(self, name: str, why: str) -> None:
        """Marks a field as wrong."""
        self.errors.setdefault(name, why)

    def add_problem(self, problem: Problem, fields: Iterable[str] = ()) -> "Form":
        """Takes over what the API found wrong: to the fields it names, the rest to the summary."""
        known = {*self.values, *fields}
        for error in problem.errors:
            name = error.get("pointer", "").removeprefix("#/").partition("/")[0]
            if name in known:
                self.add_error(name, error.get("detail", gettext("Not valid.")))
            else:
                self.summary = error.get("detail", "")
        if not self.errors and not self.summary:
            self.summary = problem.detail or problem.title
        return self

    def whole_number(self, name: str) -> int:
        """A field's whole number; 0, and an error at the field, when it is none."""
        text = self[name].strip()
        if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) is None:
            self.add_error(name, gettext("Write a whole number."))
            return 0
        return int(text)

    def number_or_none(self, name: str) -> int | None:
        """A hidden field's whole number, None when it is empty. Raises: RefusedBody 422 when it is none."""
        text = self[name]
        if not text:
            return None
        if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) is None:
            raise RefusedBody(422, gettext("This form is not as it was shown. Open the page again."))
        return int(text)


def parse_form(sent: Mapping[str, str]) -> Form:
    """A form as a browser sent it. Line ends become those of the API."""
    values = {name: value.replace("\r\n", "\n") for name, value in sent.items()}
    shown, owner, carried = (values.pop(name, "") for name in (KEY, OWNER_FIELD, PENDING))
    if _KEY.fullmatch(shown) is None:
        return Form(values=values, owner=owner, carried=carried)
    # Sent twice, it is the same wish; gone back to and changed, it is another.
    wish = json.dumps([shown, sorted(values.items())]).encode()
    return Form(values=values, key=hashlib.sha256(wish).hexdigest(), owner=owner, carried=carried)
