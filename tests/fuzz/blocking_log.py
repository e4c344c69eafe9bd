"""The variable that names the file in which a measured process records what blocked its loop.

This module imports nothing, because it is loaded before eventlet patches the standard library.
"""

BLOCKING_LOG = "LOOP_BLOCKING_LOG"
