"""A real `transformers serve` over a tiny random model made here: starts, answers, stops, leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from copilot.errors import SetupError
from copilot.llm.keys import Keys
from copilot.llm.local import LocalModel
from copilot.llm.names import resolve
from copilot.llm.open import open_model
from copilot.llm.protocol import Message, Request, Text
from copilot.llm.remote import Wire

pytestmark = [pytest.mark.torch, pytest.mark.timeout(180)]

SECRET = "sk-secret-that-children-never-see"
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
MAKE = """
import sys
from tokenizers import Tokenizer, models, pre_tokenizers, decoders
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
words = ["<pad>", "<eos>", "<|system|>", "<|user|>", "<|assistant|>", *alphabet]
bpe = Tokenizer(models.BPE(vocab={w: i for i, w in enumerate(words)}, merges=[]))
bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
bpe.decoder = decoders.ByteLevel()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<eos>", pad_token="<pad>",
    additional_special_tokens=words[2:5])
tokenizer.chat_template = sys.argv[2]
config = LlamaConfig(vocab_size=len(words), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
    num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=4096, eos_token_id=1, pad_token_id=0,
    bos_token_id=None)
model = LlamaForCausalLM(config)
model.generation_config.eos_token_id = None
model.save_pretrained(sys.argv[1])
tokenizer.save_pretrained(sys.argv[1])
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of one layer with random weights and a byte tokenizer; written by a child, so that torch stays out."""
    folder = tmp_path_factory.mktemp("tiny")
    subprocess.run([sys.executable, "-c", MAKE, str(folder), TEMPLATE], check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def model(tiny: Path) -> Iterator[LocalModel]:
    os.environ["OPENAI_API_KEY"] = SECRET
    opened = LocalModel(resolve(f"local:{tiny}"), Keys(), Wire(read_s=60))
    yield opened
    opened.close()
    del os.environ["OPENAI_API_KEY"]


def ask(text: str, max_tokens: int = 8) -> Request:
    return Request(
        role="test", system="s", messages=[Message(role="user", parts=[Text(text=text)])], max_tokens=max_tokens
    )


def test_answers_counts_and_costs_nothing(model: LocalModel) -> None:
    pieces: list[str] = []
    reply = model.complete(ask("hello"), pieces.append)
    assert "".join(pieces) == reply.text()
    assert reply.stop == "max_tokens"
    assert reply.usage.output >= 8 and reply.usage.input > 20
    assert model.worst_case_usd(ask("hello")) == 0.0
    assert model.cost_usd(reply.usage) == 0.0


def is_local(process: psutil.Process) -> bool:
    """True for the process that serves the model; others of the same parent may just be ending."""
    try:
        return "local_child" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def test_the_child_sees_no_key(model: LocalModel) -> None:
    model.complete(ask("hello", 1))
    children = [process for process in psutil.Process().children(recursive=True) if is_local(process)]
    assert children
    for child in children:
        assert SECRET not in str(child.environ())
        assert child.environ()["HF_HUB_OFFLINE"] == "1"


@pytest.mark.slow
def test_the_server_ends_with_its_parent(tiny: Path) -> None:
    code = (
        "import sys, os, time\nfrom copilot.llm.local import LocalServer\n"
        "s = LocalServer(sys.argv[1]); s.start(); print(s.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tiny)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    server = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    server.wait(timeout=20)
    assert not server.is_running()


def test_absent_weights_are_a_setup_error_that_says_how_to_get_them() -> None:
    started = time.monotonic()
    opened = open_model("local:nobody/never-made-this-model", Keys())
    with pytest.raises(SetupError, match="hf download nobody/never-made-this-model"):
        opened.complete(ask("hello"))
    assert time.monotonic() - started < 60
