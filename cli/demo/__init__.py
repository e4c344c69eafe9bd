"""Demo data: people, services and orders of our own invention, made through the public API only."""
