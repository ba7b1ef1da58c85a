"""Generated tasks whose answers are texts, orderings, sets or scores without labels, and files in other packings."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.io import wavfile

from tests.tasks.made import Made, Rng, page, rule

LETTERS = {
    "a": "α",
    "b": "β",
    "g": "γ",
    "d": "δ",
    "e": "ε",
    "k": "κ",
    "l": "λ",
    "m": "μ",
    "n": "ν",
    "o": "ο",
    "th": "θ",
    "ps": "ψ",
}


def halved(folder: Path, table: pd.DataFrame, target: str | list[str], cut: int) -> pd.DataFrame:
    """Write train.csv and test.csv and return the answers (all columns)."""
    table.iloc[:cut].to_csv(folder / "train.csv", index=False)
    table.iloc[cut:].drop(columns=target).to_csv(folder / "test.csv", index=False)
    return table.iloc[cut:]


def writing(folder: Path, rng: Rng) -> Made:
    """Words in other letters; two letters may become one."""
    parts = [*LETTERS]
    drawn = [[parts[i] for i in rng.integers(0, len(parts), rng.integers(3, 8))] for _ in range(320)]
    latin = ["".join(word) for word in drawn]
    table = pd.DataFrame(
        {"id": range(320), "latin": latin, "greek": ["".join(LETTERS[p] for p in word) for word in drawn]}
    )
    answers = halved(folder, table, "greek", 240)[["id", "greek"]]
    text = page("Write each latin word in Greek letters.", "CER (lower is better)", "CSV `id,greek`.")
    return Made("transduction", text, rule("character error rate", ["id"], "greek", "lower"), answers)


def baskets(folder: Path, rng: Rng) -> Made:
    """Users of three tastes; half of them have items hidden."""
    taste = rng.integers(0, 3, 90)
    liked = [(10 * group + rng.permutation(10)[:7]).tolist() for group in taste]
    seen = [(f"u{u}", f"i{i}") for u, items in enumerate(liked) for i in (items[:4] if u % 2 else items)]
    pd.DataFrame(seen, columns=["user", "item"]).to_csv(folder / "purchases.csv", index=False)
    asked = [u for u in range(90) if u % 2]
    pd.DataFrame({"user": [f"u{u}" for u in asked]}).to_csv(folder / "test.csv", index=False)
    answers = pd.DataFrame(
        {"user": [f"u{u}" for u in asked], "item": [" ".join(f"i{i}" for i in liked[u][4:]) for u in asked]}
    )
    text = page(
        "Name new items for each user.", "MAP@5 (higher is better)", "CSV `user,item`, items separated by spaces."
    )
    return Made("recommendation", text, rule("map@5", ["user"], "item"), answers)


def orderings(folder: Path, rng: Rng) -> Made:
    """Documents of queries with graded relevance."""
    sizes = rng.integers(4, 9, 60)
    table = pd.DataFrame(
        {"query": np.repeat(np.arange(60), sizes), "doc": np.concatenate([np.arange(s) for s in sizes])}
    )
    table["match"], table["age"] = rng.normal(size=len(table)).round(3), rng.normal(size=len(table)).round(3)
    table["relevance"] = np.clip(
        np.round(1 + table["match"] - 0.5 * table["age"] + rng.normal(0, 0.4, len(table))), 0, 3
    )
    answers = halved(folder, table, "relevance", int(sizes[:42].sum()))[["query", "doc", "relevance"]]
    text = page("Order the documents of each query.", "NDCG@5 (higher is better)", "CSV `query,doc,relevance`.")
    return Made("tabular", text, rule("ndcg@5", ["query", "doc"], "relevance"), answers)


def strange_rows(folder: Path, rng: Rng) -> Made:
    """Normal rows to learn from, without labels; some test rows break the pattern."""
    mix = rng.normal(size=(4, 4))
    rows = np.concatenate([rng.normal(size=(360, 4)) @ mix, rng.normal(size=(40, 4)) * 2])
    broken = np.arange(400) >= 360
    order = np.concatenate([np.arange(260), 260 + rng.permutation(140)])
    table = pd.DataFrame(rows[order].round(3), columns=["s1", "s2", "s3", "s4"]).assign(id=np.arange(400))
    table.iloc[:260].to_csv(folder / "train.csv", index=False)
    table.iloc[260:].to_csv(folder / "test.csv", index=False)
    answers = pd.DataFrame({"id": np.arange(260, 400), "anomaly": broken[order][260:].astype(int)})
    text = page("Anomaly detection: score how strange each row is.", "ROC AUC (higher is better)", "CSV `id,anomaly`.")
    return Made("anomaly", text, rule("roc_auc", ["id"], "anomaly"), answers)


def several_flags(folder: Path, rng: Rng) -> Made:
    """Three 0/1 columns, in gzip."""
    x = rng.normal(size=(500, 5))
    table = pd.DataFrame(x.round(3), columns=list("abcde")).assign(id=[f"{i:05d}" for i in range(500)])
    for place, name in enumerate(("wet", "hot", "old")):
        table[name] = (x[:, place] + 0.5 * x[:, place + 1] + rng.normal(0, 0.3, 500) > 0.4).astype(int)
    flags = ["wet", "hot", "old"]
    for name, part in (("train", table.iloc[:380]), ("test", table.iloc[380:].drop(columns=flags))):
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress(part.to_csv(index=False).encode()))
    text = page("Set the three flags.", "micro F1 over all flags (higher is better)", "CSV `id,wet,hot,old`.")
    return Made("tabular", text, rule("micro_f1", ["id"], flags), table.iloc[380:][["id", *flags]])


def quantiles(folder: Path, rng: Rng) -> Made:
    """A late quantile of skewed delays, as Parquet in a zip archive."""
    load = rng.uniform(0, 10, 500)
    table = pd.DataFrame(
        {"id": range(500), "load": load.round(2), "delay": (load + rng.exponential(1 + load / 2)).round(2)}
    )
    with zipfile.ZipFile(folder / "data.zip", "w") as archive:
        archive.writestr("tables/train.parquet", table.iloc[:380].to_parquet())
        archive.writestr("tables/test.parquet", table.iloc[380:].drop(columns="delay").to_parquet())
    text = page("Name the 90 % quantile of the delay.", "Pinball loss at 0.9 (lower is better)", "CSV `id,delay`.")
    grade = rule("pinball", ["id"], "delay", "lower", quantile=0.9)
    return Made("tabular", text, grade, table.iloc[380:][["id", "delay"]])


def edges_of_graphs(folder: Path, rng: Rng) -> Made:
    """A number per graph; one table holds the edges of all graphs."""
    edges, cycles = [], []
    for graph in range(150):
        size, more = int(rng.integers(6, 12)), int(rng.integers(0, 6))
        own = {(int(rng.integers(0, i)), i) for i in range(1, size)}
        own |= {tuple(sorted(rng.choice(size, 2, replace=False).tolist())) for _ in range(more)}
        edges += [(graph, a, b) for a, b in sorted(own)]
        cycles.append(len(own) - size + 1 + rng.normal(0, 0.1))
    pd.DataFrame(edges, columns=["graph_id", "source", "target"]).to_csv(folder / "edges.csv", index=False)
    table = pd.DataFrame({"graph_id": range(150), "energy": np.round(cycles, 3)})
    answers = halved(folder, table, "energy", 110)
    text = page("Energy of molecules given as graphs.", "MAE (lower is better)", "CSV `graph_id,energy`.")
    return Made("graph", text, rule("mae", ["graph_id"], "energy", "lower"), answers)


def named_clips(folder: Path, rng: Rng) -> Made:
    """Sound files in one folder that both tables name without folder and suffix."""
    (folder / "audio").mkdir()
    kinds = rng.choice(["low", "high"], 70)
    for place, kind in enumerate(kinds):
        wave = np.sin(np.arange(1500) * {"low": 0.15, "high": 0.22}[str(kind)]) + rng.normal(0, 1.2, 1500)
        wavfile.write(folder / "audio" / f"{place:04d}.wav", 4000, (wave * 4000).astype(np.int16))
    table = pd.DataFrame({"clip": [f"{i:04d}" for i in range(70)], "kind": kinds})
    answers = halved(folder, table, "kind", 45)
    text = page("Sound clips in audio/.", "accuracy (higher is better)", "CSV `clip,kind`.")
    return Made("signals", text, rule("accuracy", ["clip"], "kind"), answers)


def parts_of_rows(folder: Path, rng: Rng) -> Made:
    """Training and test rows in several files; the identifier stands inside an object of a JSON line."""
    x = rng.normal(size=(400, 3)).round(3)
    number = (2 * x[:, 0] - x[:, 1] + rng.normal(0, 0.3, 400)).round(3)
    rows = pd.DataFrame(
        {"order": [{"id": i, "size": x[i, 0]} for i in range(400)], "b": x[:, 1], "c": x[:, 2], "cost": number}
    )
    for part, first, last in (("train", 0, 140), ("train", 140, 280), ("test", 280, 350), ("test", 350, 400)):
        (folder / part).mkdir(exist_ok=True)
        table = rows.iloc[first:last] if part == "train" else rows.iloc[first:last].drop(columns="cost")
        table.to_json(folder / part / f"part-{first}.jsonl", orient="records", lines=True)
    text = page("Cost of orders.", "RMSE (lower is better)", "JSON Lines with `id` and `cost`.")
    answers = pd.DataFrame({"id": range(280, 400), "cost": number[280:]})
    return Made("tabular", text, rule("rmse", ["id"], "cost", "lower"), answers)


MAKERS = [
    writing,
    baskets,
    orderings,
    strange_rows,
    several_flags,
    quantiles,
    edges_of_graphs,
    named_clips,
    parts_of_rows,
]
MORE = {make.__name__: make for make in MAKERS}
