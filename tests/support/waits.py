"""How long tests wait for what is soon there on any machine, also one that stands still at times.
"""

WAIT_SECONDS_MAX = 120
