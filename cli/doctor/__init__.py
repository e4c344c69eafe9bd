"""`microtasks doctor`: looks at everything the marketplace stands on, and says what to do about it."""
