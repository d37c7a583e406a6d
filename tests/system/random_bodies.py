"""Bodies of requests that nobody would send, as strategies of hypothesis."""

import json

from hypothesis import strategies


def bodies(words, names):
    """JSON of whatever shape with these texts and names of members in it, or no JSON at all."""
    value = strategies.recursive(
        strategies.none() | strategies.booleans() | strategies.integers()
        | strategies.floats() | strategies.text(max_size=8) | strategies.sampled_from(words),
        lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(
            strategies.sampled_from(names), inner, max_size=6), max_leaves=12)
    return strategies.one_of(value.map(lambda each: json.dumps(each).encode()),
                             strategies.binary(max_size=200))
