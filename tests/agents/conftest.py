"""Fixtures of other rooms that the agents' tests use."""

from tests.literature.conftest import replay as replay
