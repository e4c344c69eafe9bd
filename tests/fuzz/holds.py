"""Where a measured process writes what held its loop. Imports nothing: it is read before going green."""

HOLDS = "LOOP_HOLDS_FILE"
