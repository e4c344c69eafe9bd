"""Paths of the API: what is put into one is a single step of it, whatever characters it has."""

import re
from urllib.parse import quote

from client.problem import Problem

_NO_STEP = re.compile("\\.{0,2}|.*[\x00-\x1f\x7f-\x9f\ud800-\udfff].*", re.DOTALL)


def path_of(template: str, *ids: str) -> str:
    """A path with ids in the place of each `{}`, quoted: `path_of("/v1/orders/{}", order_id)`.

    Raises: Problem 404 for what cannot be an id of anything: empty, dots that climb, control characters. The
    API is not asked then.
    """
    for each in ids:
        if _NO_STEP.fullmatch(each) is not None:
            raise Problem(404, {"code": "not_found", "title": "Not found"})
    return template.format(*(quote(each, safe="") for each in ids))
