"""What the API refuses with (RFC 9457), as exceptions."""

from collections.abc import Mapping
from typing import Any


class Problem(Exception):
    """The API's answer was an error; nothing happened unless `status` is 504.

    `code` is stable and meant for programs, `detail` for people; `errors` names bad fields.
    """

    def __init__(
        self, status: int, body: Mapping[str, Any], retry_after_seconds: float | None = None
    ) -> None:
        self.status = status
        self.code = str(body.get("code", "unknown"))
        self.title = str(body.get("title", ""))
        self.detail = str(body.get("detail", ""))
        self.errors: list[dict[str, str]] = list(body.get("errors", []))
        self.request_id = str(body.get("request_id", ""))
        self.body = dict(body)
        self.retry_after_seconds = retry_after_seconds
        super().__init__(f"{status} {self.code}: {self.detail or self.title}{self._fields()}")

    def _fields(self) -> str:
        named = [
            f"{e.get('pointer') or e.get('parameter') or e.get('header')}: {e.get('detail')}"
            for e in self.errors
        ]
        return f" ({'; '.join(named)})" if named else ""

    @property
    def available_transitions(self) -> list[str]:
        """After a refused transition: what the caller may do with the order now."""
        return list(self.body.get("available_transitions", []))

    @property
    def available_actions(self) -> list[str]:
        """After the 404 of a review that is not there: what its customer may do about it now."""
        return list(self.body.get("available_actions", []))


class Unreachable(Exception):
    """No answer came, however often it was tried; whether a write took effect is not known."""
