"""`microtasks demo`: two people, two orders, from sign-up to the review, before one's eyes."""
