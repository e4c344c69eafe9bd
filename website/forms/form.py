"""Forms: the typed values, their errors, and the idempotency key under which they are sent."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from client import Problem
from kit.http.body import RefusedBody
from kit.localization.translations import gettext
from website.security.account_signatures import OWNER_FIELD

KEY, NEXT, PENDING = "_key", "_next", "_carried"
_KEY = re.compile(r"[0-9a-f]{32}")


def new_key() -> str:
    """Returns a new idempotency key for a form."""
    return uuid4().hex


@dataclass
class Form:
    """One form, as it was sent or as it is to be shown.

    `values` are the texts by field, `errors` the messages by field, and `summary` is the message about the
    whole form. `key` is its idempotency key, `owner` the signed id of its owner's account, and
    `pending_form` an encrypted form that waits until its owner has signed in.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    key: str = field(default_factory=new_key)
    owner: str = ""
    pending_form: str = ""

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    def given(self, *names: str) -> dict[str, str]:
        """Returns those of the fields that are filled in."""
        return {name: self[name] for name in names if self[name].strip()}

    @property
    def first_wrong(self) -> str:
        """The first field with an error, in the order of the page; empty when there is none."""
        return next((name for name in (*self.values, *self.errors) if name in self.errors), "")

    def add_error(self, name: str, why: str) -> None:
        """Adds the error of a field, unless it has one."""
        self.errors.setdefault(name, why)

    def add_problem(self, problem: Problem, fields: Iterable[str] = ()) -> "Form":
        """Adds the errors of the API: to the fields they name, the others to the summary."""
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
        """Returns a field's whole number; 0, and an error of the field, when it is none."""
        text = self[name].strip()
        if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) is None:
            self.add_error(name, gettext("Write a whole number."))
            return 0
        return int(text)

    def number_or_none(self, name: str) -> int | None:
        """Returns a hidden field's whole number, None when it is empty. Raises: RefusedBody 422 otherwise."""
        text = self[name]
        if not text:
            return None
        if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) is None:
            raise RefusedBody(422, gettext("This form is not as it was shown. Open the page again."))
        return int(text)


def parse_form(sent: Mapping[str, str]) -> Form:
    """Returns a form as a browser sent it, with the line ends of the API."""
    values = {name: value.replace("\r\n", "\n") for name, value in sent.items()}
    key, owner, pending_form = (values.pop(name, "") for name in (KEY, OWNER_FIELD, PENDING))
    if _KEY.fullmatch(key) is None:
        return Form(values=values, owner=owner, pending_form=pending_form)
    # The same form sent twice is one request; after a change it is another.
    content = json.dumps([key, sorted(values.items())]).encode()
    return Form(
        values=values, key=hashlib.sha256(content).hexdigest(), owner=owner, pending_form=pending_form
    )
