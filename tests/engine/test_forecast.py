"""What a person is told before the freeze."""

from __future__ import annotations

import pytest

from copilot.engine.preparing import in_words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (99, "99 s"), (100, "2 minutes"), (5400, "90 minutes"), (7200, "2 hours"), (12600, "3.5 hours")],
)
def test_lengths_of_time_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert in_words(seconds) == said
