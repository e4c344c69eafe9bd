"""Security headers of responses."""

# RFC 6797: browsers use only https for a year. Sent where https is known to be served.
HTTPS_ONLY = "max-age=31536000"
