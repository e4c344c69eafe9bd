"""The web site: server-rendered pages, and a client of the public API like any other."""
