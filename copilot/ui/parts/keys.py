"""Model names and the key that each needs. Keys stay in the session's memory and go into one child's environment."""

from __future__ import annotations

import streamlit as st

from copilot.config import environment, find_home
from copilot.ui.parts import session

MODELS = {
    "offline": "Offline: rules, no language model, no key",
    "claude": "Claude (Anthropic)",
    "gpt4": "GPT-4 (OpenAI)",
    "gemini": "Gemini (Google)",
    "llama": "Llama (Hugging Face)",
    "other": "Another model, as provider:model",
}

_VARIABLES = {
    "claude": ("ANTHROPIC_API_KEY", "CLAUDE_API_KEY"),
    "anthropic": ("ANTHROPIC_API_KEY", "CLAUDE_API_KEY"),
    "gpt4": ("OPENAI_API_KEY",),
    "openai": ("OPENAI_API_KEY",),
    "openai-responses": ("OPENAI_API_KEY",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "llama": ("HF_TOKEN",),
    "hf": ("HF_TOKEN",),
    "openrouter": ("OPENROUTER_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "vllm": ("VLLM_API_KEY",),
    "ollama": ("OLLAMA_API_KEY",),
    "lmdeploy": ("LMDEPLOY_API_KEY",),
    "llamacpp": ("LLAMACPP_API_KEY",),
    "lmstudio": ("LMSTUDIO_API_KEY",),
}


def variable(model: str) -> str:
    """The environment variable that holds the key of this model; empty when it needs none."""
    names = _VARIABLES.get(model.partition(":")[0], ())
    return names[0] if names else ""


def is_set(model: str) -> bool:
    """True when this server already has a key for the model that this person may use."""
    if session.restricted():
        return False
    names = _VARIABLES.get(model.partition(":")[0], ())
    env = environment(find_home())
    return any(env.get(name) for name in names)


def hold(model: str, key: str) -> None:
    """Keep a key for this session, until the browser tab is closed."""
    if key.strip() and (name := variable(model)):
        _store()[name] = key.strip()


def held() -> dict[str, str]:
    """The keys of this session, by environment variable."""
    return dict(_store())


def _store() -> dict[str, str]:
    store: dict[str, str] = st.session_state.setdefault("session_keys", {})
    return store
