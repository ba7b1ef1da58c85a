"""Reading a graph task: nodes and their features, edges as a sparse matrix, measures of pairs. No learning here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import taskfiles
import taskrows
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import OneHotEncoder, StandardScaler, normalize


def adjacency(pairs: np.ndarray, size: int) -> sparse.csr_matrix:
    """Symmetric 0/1 matrix of an edge list, without loops."""
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    one = sparse.coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(size, size)).tocsr()
    both = one + one.T
    both.data[:] = 1.0
    return both


def stepper(matrix: sparse.csr_matrix, loops: bool) -> sparse.csr_matrix:
    """The matrix scaled by the roots of the degrees (symmetric normalisation), with self-loops when asked."""
    matrix = matrix + sparse.eye(matrix.shape[0], format="csr") if loops else matrix
    degree = np.asarray(matrix.sum(axis=1)).ravel()
    scale = sparse.diags(1 / np.sqrt(np.maximum(degree, 1)))
    return (scale @ matrix @ scale).tocsr()


class Nodes:
    """Names of nodes as numbers."""

    def __init__(self) -> None:
        self.number: dict[str, int] = {}

    def codes(self, column: Any) -> np.ndarray:
        """The numbers of these nodes, new ones added."""
        return np.array([self.number.setdefault(str(name), len(self.number)) for name in column], dtype=int)


def edge_pairs(task: dict[str, Any], root: Path, nodes: Nodes) -> np.ndarray:
    """All edges of the task as pairs of node numbers."""
    found = [np.zeros((0, 2), dtype=int)]
    for reference, ends in zip(task["roles"]["edges"], task["roles"]["edge_ends"], strict=True):
        table = taskfiles.read_table(root, reference)
        found.append(np.column_stack([nodes.codes(table[end]) for end in ends]))
    return np.concatenate(found)


def feature_matrix(table: pd.DataFrame, root: Path, skip: set[str]) -> sparse.csr_matrix:
    """Every usable column of a table as a block of numbers."""
    blocks = [sparse.csr_matrix((len(table), 0))]
    for name in (str(n) for n in table.columns if str(n) not in skip):
        kind = taskrows.column_type(table[name], root)
        column = taskrows.convert(table[name], kind, root)
        if kind == "number":
            filled = column.fillna(column.median() if column.notna().any() else 0.0).to_numpy()[:, None]
            blocks.append(
                sparse.csr_matrix(
                    filled if set(np.unique(filled)) <= {0.0, 1.0} else StandardScaler().fit_transform(filled)
                )
            )
        elif kind == "category":
            blocks.append(OneHotEncoder(min_frequency=2, handle_unknown="ignore").fit_transform(column.to_frame()))
        elif kind in {"text", "tokens"}:
            texts = [cell if isinstance(cell, str) else " ".join(cell) for cell in column]
            blocks.append(
                TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b", max_features=20000).fit_transform(
                    texts
                )
            )
        elif kind in {"series", "image"} and len({np.size(cell) for cell in column}) == 1:
            blocks.append(sparse.csr_matrix(np.stack([np.asarray(cell, dtype=float).ravel() for cell in column])))
    return sparse.hstack(blocks).tocsr()


def node_features(task: dict[str, Any], root: Path, nodes: Nodes, tables: list[pd.DataFrame]) -> sparse.csr_matrix:
    """Features of all nodes, from the node table or else from the labelled and asked rows; rows of unit length."""
    roles, targets = task["roles"], set(task["targets"])
    if roles.get("nodes"):
        reference, key = roles["nodes"]
        table = taskfiles.read_table(root, reference)
    else:
        table, key = pd.concat(tables, ignore_index=True), roles.get("key", "")
        table = table.drop_duplicates(key) if key else table
    skip = targets | {key, *roles.get("masks", [])}
    matrix = feature_matrix(table, root, skip)
    codes = nodes.codes(table[key] if key else range(len(table)))
    place = sparse.coo_matrix(
        (np.ones(len(codes)), (codes, np.arange(len(codes)))), shape=(len(nodes.number), len(table))
    )
    spread = (place @ matrix).tocsr()
    return normalize(spread) if spread.shape[1] else spread


def embedding(matrix: sparse.csr_matrix, seed: int) -> np.ndarray:
    """Leading singular vectors of the normalised adjacency, scaled by the roots of the values."""
    size = min(32, matrix.shape[0] - 2)
    if size < 1 or matrix.nnz == 0:
        return np.zeros((matrix.shape[0], 1))
    start = np.random.default_rng(seed).normal(size=matrix.shape[0])
    left, values, _ = sparse.linalg.svds(stepper(matrix, True), k=size, v0=start)
    return np.asarray(left * np.sqrt(np.maximum(values, 0)))


def pair_measures(matrix: sparse.csr_matrix, pairs: np.ndarray, features: sparse.csr_matrix, seed: int) -> np.ndarray:
    """Measures of pairs of nodes: common neighbours (plain, Adamic-Adar, resource allocation), Jaccard, degrees, walks
    of length 3, likeness of embedding and of features. A pair's own edge is not counted."""
    degree = np.asarray(matrix.sum(axis=1)).ravel()
    a, b = pairs[:, 0], pairs[:, 1]
    left, right = matrix[a], matrix[b]
    own = np.asarray(matrix[a, b]).ravel()
    common = left.multiply(right)
    adamic = common @ (1 / np.log(np.maximum(degree, 2)))
    resource = common @ (1 / np.maximum(degree, 1))
    count = np.asarray(common.sum(axis=1)).ravel()
    walks = np.asarray((left @ matrix).multiply(right).sum(axis=1)).ravel() - own * (degree[a] + degree[b] - 1)
    jaccard = count / np.maximum(degree[a] + degree[b] - count, 1)
    place = embedding(matrix, seed)
    near = (place[a] * place[b]).sum(axis=1)
    cosine = near / (np.linalg.norm(place[a], axis=1) * np.linalg.norm(place[b], axis=1) + 1e-9)
    alike = np.asarray(features[a].multiply(features[b]).sum(axis=1)).ravel() if features.shape[1] else np.zeros(len(a))
    low, high = np.minimum(degree[a], degree[b]) - own, np.maximum(degree[a], degree[b]) - own
    columns = [count, adamic, resource, jaccard, np.log1p(np.maximum(walks, 0)), near, cosine, alike,
               np.log1p(np.maximum(low, 0)), np.log1p(np.maximum(high, 0)),
               np.log1p(np.maximum(low * high, 0))]  # fmt: skip
    return np.column_stack(columns)


def graph_words(edges: Any, labels: list[str] | None, rounds: int) -> list[str]:
    """A small graph as words: its size and Weisfeiler-Lehman labels of its nodes after each round of looking around."""
    near: dict[str, list[str]] = {}
    for edge in edges:
        a, b = str(edge[0]), str(edge[1])
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    if labels is not None:
        for index in range(len(labels)):
            near.setdefault(str(index), [])
    state = {
        n: labels[int(n)] if labels is not None and n.isdigit() and int(n) < len(labels) else f"d{len(near[n])}"
        for n in near
    }
    words = [f"0:{value}" for value in state.values()]
    for step in range(1, rounds + 1):
        state = {n: f"{state[n]}({','.join(sorted(state[m] for m in near[n]))})" for n in near}
        words += [f"{step}:{hash_of(value)}" for value in state.values()]
        state = {n: hash_of(value) for n, value in state.items()}
    return words


def hash_of(text: str) -> str:
    """A short name for a long label, the same in every process."""
    import hashlib

    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def graph_shape(edges: Any, labels: list[str] | None) -> list[float]:
    """Numbers of nodes, edges and triangles, density, and quantiles of the degrees."""
    pairs = [(str(edge[0]), str(edge[1])) for edge in edges]
    names = sorted({n for pair in pairs for n in pair})
    size = max(len(names), len(labels or []), 1)
    if not pairs:
        return [size] + [0.0] * 10
    number = {name: index for index, name in enumerate(names)}
    matrix = adjacency(np.array([(number[a], number[b]) for a, b in pairs]), len(names))
    degree = np.asarray(matrix.sum(axis=1)).ravel()
    triangles = float((matrix @ matrix).multiply(matrix).sum() / 6)
    parts = float(sparse.csgraph.connected_components(matrix)[0])
    quantiles = np.quantile(degree, [0, 0.25, 0.5, 0.75, 1]).tolist()
    return [
        size,
        matrix.nnz / 2,
        matrix.nnz / (size * (size - 1) + 1),
        triangles,
        parts,
        *quantiles,
        float(degree.std()),
    ]
