"""The variable that names the file in which a measured process records what blocked its loop.

This module imports nothing, because it is loaded before eventlet patches the standard library.
"""

HOLDS = "LOOP_HOLDS_FILE"
