"""What happened to an account, in words."""

from client.resources import SecurityEvent
from kit.localization.translations import N_, gettext
from website.views.browser_names import browser_in_short

SENTENCES = {
    "signed_in_new_browser": N_("Signed in with a new browser"),
    "locked_out": N_("Locked out after many wrong passwords"),
    "password_changed": N_("Password changed"),
    "refresh_token_reused": N_("Signed out, because a copy of the sign-in was used"),
    "operator_act": N_("Changed by an operator of MicroTasks"),
}
OPERATOR_ACTIONS = {
    "staff_granted": N_("Made staff by an operator"),
    "staff_revoked": N_("No longer staff, by an operator"),
}


def event_in_words(event: SecurityEvent) -> str:
    """What happened; an unknown type as the API calls it."""
    act = str(event["details"].get("act", ""))
    sentence = OPERATOR_ACTIONS.get(act) or SENTENCES.get(event["type"])
    return gettext(sentence) if sentence else event["type"]


def origin_in_words(event: SecurityEvent) -> str:
    """From which browser and address, as far as that is known."""
    return ", ".join(part for part in (browser_in_short(event["browser"]), event["address"]) if part)
