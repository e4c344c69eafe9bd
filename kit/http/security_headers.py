"""Headers that protect whoever reads an answer."""

# RFC 6797: for a year browsers come by https only. Sent where https is known to be spoken.
HTTPS_ONLY = "max-age=31536000"
