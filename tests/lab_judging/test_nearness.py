"""Near duplicates between training and test rows: planted ones are caught in every view, natural ones are not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from copilot.lab.nearness import near_duplicates

Rng = np.random.Generator
WORDS = [
    a + b for a in ("ra", "to", "mi", "ke", "lu", "so", "ba", "ne") for b in ("dan", "vel", "kor", "pim", "sta", "rux")
]


def rounded(rng: Rng) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Numbers; the copies are rounded, and one of their cells is another."""
    train = pd.DataFrame(rng.normal(size=(400, 6)), columns=list("abcdef"))
    copies = train.iloc[:40].round(2)
    copies["c"] += 3
    return train, pd.concat([copies, pd.DataFrame(rng.normal(size=(160, 6)), columns=list("abcdef"))])


def mixed(rng: Rng) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Categories and numbers; one category of each copy is changed."""

    def table(size: int) -> pd.DataFrame:
        kinds = {name: rng.choice(WORDS, size) for name in ("town", "trade", "school")}
        return pd.DataFrame({**kinds, "age": rng.integers(18, 90, size), "pay": rng.gamma(3, 900, size).round(2)})

    train = table(500)
    return train, pd.concat([train.iloc[:60].assign(trade="other"), table(140)])


def texts(rng: Rng) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sentences; a word of each copy is another."""

    def sentence() -> str:
        return " ".join(rng.choice(WORDS, 16))

    train = [sentence() for _ in range(300)]
    copies = [" ".join([*text.split()[:7], "instead", *text.split()[8:]]).upper() for text in train[:30]]
    return pd.DataFrame({"text": train}), pd.DataFrame({"text": [*copies, *(sentence() for _ in range(90))]})


def strings(rng: Rng) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Letters without spaces; the copies have two substitutions."""
    train = ["".join(rng.choice(list("ACGT"), 120)) for _ in range(200)]
    copies = [text[:30] + "T" + text[31:90] + "A" + text[91:] for text in train[:25]]
    fresh = ["".join(rng.choice(list("ACGT"), 120)) for _ in range(75)]
    return pd.DataFrame({"dna": train}), pd.DataFrame({"dna": copies + fresh})


@pytest.mark.parametrize("made", [rounded, mixed, texts, strings])
@pytest.mark.parametrize("planted", [True, False])
def test_planted_copies_are_caught_and_the_rest_is_not(
    tmp_path: Path, made: Callable[[Rng], tuple[pd.DataFrame, pd.DataFrame]], planted: bool
) -> None:
    train, test = made(np.random.default_rng(4))
    test = (test if planted else test.iloc[len(test) // 2 :]).reset_index(drop=True)
    test.insert(0, "id", np.arange(9000, 9000 + len(test)))
    train.insert(0, "id", np.arange(len(train)))
    train.assign(label=np.arange(len(train)) % 2).to_csv(tmp_path / "train.csv", index=False)
    test.to_csv(tmp_path / "test.csv", index=False)
    check = near_duplicates(tmp_path, "label", ["id"], given=False)
    assert check.passed is not planted
    if planted:
        assert "(id=9000) and training row 0" in check.evidence
        told = near_duplicates(tmp_path, "label", ["id"], given=True)
        assert told.passed is True and "both arms" in told.evidence and told.details["warning"] is True


@pytest.mark.parametrize("form", ["npz", "png"])
def test_pictures_with_noise_are_twins_and_others_are_not(tmp_path: Path, form: str) -> None:
    rng = np.random.default_rng(2)
    shapes = np.kron(rng.integers(40, 216, (90, 4, 4)), np.ones((8, 8)))
    train, fresh = shapes[:60], shapes[60:]
    copies = np.clip(train[:20] + rng.normal(0, 5, (20, 32, 32)) + 12, 0, 255)
    for name, test, caught in (("leaky", np.concatenate([copies, fresh]), True), ("honest", fresh, False)):
        folder = tmp_path / name
        folder.mkdir()
        if form == "npz":
            np.savez_compressed(folder / "data.npz", x_train=train, y_train=np.arange(60) % 2, x_test=test)
        else:
            for part, pictures in (("train", train), ("test", test)):
                (folder / part).mkdir()
                for place, picture in enumerate(pictures):
                    Image.fromarray(picture.astype(np.uint8)).save(folder / part / f"{place}.png")
        assert near_duplicates(folder, "label", ["id"], given=False).passed is not caught


def test_small_discrete_tables_repeat_themselves_honestly(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    table = pd.DataFrame({name: rng.integers(0, 3, 900) for name in "abcdef"}).assign(id=np.arange(900))
    table.iloc[:600].assign(label=1).to_csv(tmp_path / "train.csv", index=False)
    table.iloc[600:].to_csv(tmp_path / "test.csv", index=False)
    check = near_duplicates(tmp_path, "label", ["id"], given=False)
    assert check.passed is True
    assert isinstance(check.details["within"], float) and check.details["within"] > 0.5


def test_sentences_of_tokens(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    sentences = [rng.choice(WORDS, 14).tolist() for _ in range(80)]
    copies = [[*words[:5], "new", *words[6:]] for words in sentences[:20]]
    (tmp_path / "train.conll").write_text("\n\n".join("\n".join(f"{word} O" for word in words) for words in sentences))
    (tmp_path / "test.conll").write_text("\n\n".join("\n".join(words) for words in copies) + "\n")
    assert near_duplicates(tmp_path, "tag", ["id"], given=False).passed is False


@pytest.mark.parametrize("kind", ["none", "running text", "keys only"])
def test_what_cannot_be_compared_says_so(tmp_path: Path, kind: str) -> None:
    if kind == "running text":
        (tmp_path / "train.txt").write_text("a b c " * 50)
        (tmp_path / "test.jsonl").write_text(json.dumps({"id": 1, "context": "a b"}) + "\n")
    if kind == "keys only":
        pd.DataFrame({"id": range(30), "label": 1}).to_csv(tmp_path / "train.csv", index=False)
        pd.DataFrame({"id": range(30, 40)}).to_csv(tmp_path / "test.csv", index=False)
    check = near_duplicates(None if kind == "none" else tmp_path, "label", ["id"], given=False)
    assert check.passed is None and check.evidence


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cells", "words"])
def test_fifty_thousand_rows_take_seconds(tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(1)
    if kind == "cells":
        table = pd.DataFrame(rng.normal(size=(60_000, 20)).round(4), columns=[f"c{i}" for i in range(20)])
    else:
        table = pd.DataFrame({"text": [" ".join(words) for words in rng.choice(WORDS, (60_000, 18))]})
    table.iloc[:50_000].to_csv(tmp_path / "train.csv", index=False)
    table.iloc[50_000:].to_csv(tmp_path / "test.csv", index=False)
    started = time.process_time()
    assert near_duplicates(tmp_path, "label", ["id"], given=False).passed is True
    assert time.process_time() - started < 15
