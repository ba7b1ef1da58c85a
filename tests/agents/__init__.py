"""Tests of the agents: prompts, context, tools, ideas."""
