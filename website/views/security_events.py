"""What happened to an account, in words."""

from client.resources import SecurityEvent
from website.views.browser_names import browser_in_short

SENTENCES = {
    "signed_in_new_browser": "Signed in with a new browser",
    "locked_out": "Locked out after many wrong passwords",
    "password_changed": "Password changed",
    "refresh_token_reused": "Signed out, because a copy of the sign-in was used",
    "operator_act": "Changed by an operator of MicroTasks",
}
ACTS = {
    "staff_granted": "Made staff by an operator",
    "staff_revoked": "No longer staff, by an operator",
}


def event_in_words(event: SecurityEvent) -> str:
    """What happened; an unknown type as the API calls it."""
    act = str(event["details"].get("act", ""))
    return ACTS.get(act) or SENTENCES.get(event["type"], event["type"])


def origin_in_words(event: SecurityEvent) -> str:
    """From which browser and address, as far as that is known."""
    return ", ".join(part for part in (browser_in_short(event["browser"]), event["address"]) if part)
