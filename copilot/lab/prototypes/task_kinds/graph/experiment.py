"""Prediction on graphs: nodes, links or whole graphs. `card.md` lists the parameters, `graphdata.py` reads."""

from __future__ import annotations

from typing import Any

import graphdata
import numpy as np
import pandas as pd
import taskfiles
import taskfit
import taskrows
from scipy import sparse
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDS = 5


def linear(trial: taskfit.Trial, problem: str) -> Any:
    """Logistic or ridge regression."""
    if problem == "regression":
        return RidgeCV(np.logspace(-2, 3, 11))
    return LogisticRegression(C=trial.number("c", 10.0), max_iter=2000)


def boosted(trial: taskfit.Trial, problem: str) -> Any:
    """Gradient boosting."""
    kind = HistGradientBoostingRegressor if problem == "regression" else HistGradientBoostingClassifier
    return kind(learning_rate=0.06, max_iter=150, early_stopping=True, random_state=trial.seed)


class OnGraph:
    """A learner of nodes that sees features and, from other folds, the labels around each node. Rows: node numbers."""

    def __init__(
        self, trial: taskfit.Trial, problem: str, matrix: sparse.csr_matrix, features: sparse.csr_matrix
    ) -> None:
        self.trial, self.problem, self.matrix, self.features = trial, problem, matrix, features

    def _spread(self, nodes: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Known values passed on along edges; for each node the mean of what reaches it, and how much does."""
        walk = graphdata.stepper(self.matrix, False)
        start = np.zeros((self.matrix.shape[0], values.shape[1] + 1))
        start[nodes] = np.column_stack([values, np.ones(len(nodes))])
        found = []
        state = start
        for _ in range(int(self.trial.number("steps", 2))):
            state = walk @ state
            found.append(state[:, :-1] / np.maximum(state[:, -1:], 1e-9))
            found.append(np.log1p(state[:, -1:]))
        return np.hstack(found)

    def _around(self, nodes: np.ndarray, values: np.ndarray) -> np.ndarray:
        """What `_spread` says about the known nodes themselves, with their own fold's values hidden."""
        fold = np.random.default_rng(self.trial.seed).integers(0, FOLDS, len(nodes))
        result = np.zeros((len(nodes), self._spread(nodes, values).shape[1]))
        for k in range(FOLDS):
            hidden = fold == k
            if hidden.any() and not hidden.all():
                result[hidden] = self._spread(nodes[~hidden], values[~hidden])[nodes[hidden]]
        return result

    def _block(self, nodes: np.ndarray, labels: np.ndarray) -> sparse.csr_matrix:
        blocks: list[Any] = []
        if self.trial.model in {"own_features", "combined"}:
            blocks.append(self.features[nodes])
        if self.trial.model in {"propagated", "combined"}:
            walk, state = graphdata.stepper(self.matrix, True), self.features
            for _ in range(int(self.trial.number("steps", 2))):
                state = walk @ state
            blocks.append(state[nodes])
        if self.trial.model in {"label_propagation", "combined", "boosting"}:
            blocks.append(sparse.csr_matrix(labels))
        degree = np.log1p(np.asarray(self.matrix.sum(axis=1)).ravel())[nodes, None]
        return sparse.hstack([*blocks, sparse.csr_matrix(degree)]).tocsr()

    def fit(self, x: pd.DataFrame, y: np.ndarray) -> OnGraph:
        """Learn from the labelled nodes."""
        nodes = x["node"].to_numpy()
        classes = np.unique(y)
        self.values = y[:, None] if self.problem == "regression" else (y[:, None] == classes).astype(float)
        self.nodes = nodes
        block = self._block(nodes, self._around(nodes, self.values))
        boosts = self.trial.model == "boosting"
        self.model = boosted(self.trial, self.problem) if boosts else linear(self.trial, self.problem)
        self.model.fit(block.toarray() if boosts else block, y)
        if hasattr(self.model, "classes_"):
            self.classes_ = self.model.classes_
        return self

    def _test(self, x: pd.DataFrame) -> Any:
        nodes = x["node"].to_numpy()
        block = self._block(nodes, self._spread(self.nodes, self.values)[nodes])
        return block.toarray() if self.trial.model == "boosting" else block

    def predict(self, x: pd.DataFrame) -> np.ndarray:
        """Labels or numbers of nodes."""
        return np.asarray(self.model.predict(self._test(x)))

    def predict_proba(self, x: pd.DataFrame) -> np.ndarray:
        """Shares of the classes."""
        return np.asarray(self.model.predict_proba(self._test(x)))


def node_tables(trial: taskfit.Trial) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Labelled and asked rows, whichever way the files tell them apart."""
    task, roles = trial.task, trial.task["roles"]
    if "masks" in roles or "indexes" in roles:
        table = taskfiles.read_table(trial.inputs, task["train"][0])
        table = table.assign(_node=np.arange(len(table)))
        if "masks" in roles:
            picked = [np.flatnonzero(table[mask].astype(int).to_numpy()) for mask in roles["masks"]]
        else:
            picked = [taskfiles.read_table(trial.inputs, r).iloc[:, 0].to_numpy(dtype=int) for r in roles["indexes"]]
        return table.iloc[picked[0]], table.iloc[picked[1]]
    return taskrows.split_tables({**task, "joins": []}, trial.inputs)


def on_nodes(trial: taskfit.Trial) -> None:
    """Node classification or regression."""
    task, roles, nodes = trial.task, trial.task["roles"], graphdata.Nodes()
    train, test = node_tables(trial)
    key = roles.get("key") or ("_node" if "_node" in train.columns else "")
    size = 0
    if "_node" in train.columns:
        size = len(taskfiles.read_table(trial.inputs, task["train"][0]))
        nodes.codes(range(size))
    pairs = graphdata.edge_pairs(task, trial.inputs, nodes)
    rows = [pd.DataFrame({"node": nodes.codes(t[key] if key else range(len(t)))}) for t in (train, test)]
    if roles.get("nodes"):
        table = taskfiles.read_table(trial.inputs, roles["nodes"][0])
        nodes.codes(table[roles["nodes"][1]] if roles["nodes"][1] else range(len(table)))
    features = graphdata.node_features(task, trial.inputs, nodes, [train, test])
    matrix = graphdata.adjacency(pairs, len(nodes.number))

    def build(asked: taskfit.Trial, problem: str) -> OnGraph:
        return OnGraph(asked, problem, matrix, features)

    where = {k: task["key_from"].get(k, k) for k in task["keys"]}
    asked_ids = test["_node"] if "_node" in test.columns else np.arange(len(test))
    keys = pd.DataFrame({k: test[c] if c in test.columns else asked_ids for k, c in where.items()}).reset_index(
        drop=True
    )
    taskfit.run(trial, rows[0], train[task["targets"]].reset_index(drop=True), rows[1], keys, build)


def wooded(trial: taskfit.Trial, problem: str) -> Any:
    """Randomised trees."""
    kind = ExtraTreesRegressor if problem == "regression" else ExtraTreesClassifier
    return kind(300, min_samples_leaf=2, random_state=trial.seed)


class Measured:
    """A learner of pairs or whole graphs; rows are measures of them already."""

    def __init__(self, trial: taskfit.Trial, problem: str) -> None:
        self.count = trial.model == "common_neighbours"
        made = {"boosting": boosted, "trees": wooded}.get(trial.model)
        self.model = made(trial, problem) if made else make_pipeline(StandardScaler(), linear(trial, problem))

    def _used(self, x: pd.DataFrame) -> np.ndarray:
        return x.to_numpy()[:, :1] if self.count else x.to_numpy()

    def fit(self, x: pd.DataFrame, y: np.ndarray) -> Measured:
        """Learn from measured pairs."""
        self.model.fit(self._used(x), y)
        if hasattr(self.model, "classes_"):
            self.classes_ = self.model.classes_
        return self

    def predict(self, x: pd.DataFrame) -> np.ndarray:
        """Labels or numbers."""
        return np.asarray(self.model.predict(self._used(x)))

    def predict_proba(self, x: pd.DataFrame) -> np.ndarray:
        """Shares of the classes."""
        return np.asarray(self.model.predict_proba(self._used(x)))


def others(pairs: np.ndarray, size: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Pairs of nodes that are no known edge."""
    known = {(int(a), int(b)) for a, b in pairs} | {(int(b), int(a)) for a, b in pairs}
    ends = np.unique(pairs)
    found: list[tuple[int, int]] = []
    while len(found) < count and len(known) < size * size:
        drawn = rng.choice(ends, size=(2 * count, 2))
        found += [(int(a), int(b)) for a, b in drawn if a != b and (int(a), int(b)) not in known]
    return np.array(found[:count], dtype=int)


def on_links(trial: taskfit.Trial) -> None:
    """Prediction of links (or labels) of pairs. Edges that teach are taken out of the graph that describes them."""
    task, roles, nodes = trial.task, trial.task["roles"], graphdata.Nodes()
    rng = np.random.default_rng(trial.seed)
    train, test = taskfiles.read_table(trial.inputs, task["train"][0]), taskfiles.read_table(trial.inputs, task["test"])
    given = np.column_stack([nodes.codes(train[end]) for end in roles["ends"]])
    asked = np.column_stack([nodes.codes(test[end]) for end in roles["test_ends"]])
    pairs = graphdata.edge_pairs(task, trial.inputs, nodes)
    if roles["nodes"]:
        table = taskfiles.read_table(trial.inputs, roles["nodes"][0])
        nodes.codes(table[roles["nodes"][1]] if roles["nodes"][1] else range(len(table)))
        features = graphdata.node_features(task, trial.inputs, nodes, [])
    else:
        features = sparse.csr_matrix((len(nodes.number), 0))
    size = len(nodes.number)
    positive = str(task.get("positive"))
    if not roles["label"]:
        order = rng.permutation(len(pairs))
        teach = order[: max(10, round(0.3 * len(order)))]
        kept = np.delete(pairs, teach, axis=0)
        negatives = others(pairs, size, len(teach), rng)
        taught = np.concatenate([pairs[teach], negatives])
        labels = np.array(["1"] * len(teach) + ["0"] * len(negatives))
        trial.task["positive"] = "1"
    else:
        taught, labels = given, train[roles["label"]].map(str).to_numpy()
        hit = labels == positive
        half = rng.random(len(taught)) < 0.5
        kept = np.concatenate([pairs, given[hit & half]]) if not len(pairs) else pairs
        if not len(pairs):
            taught, labels = taught[~half], labels[~half]
            pairs = given[hit]
    measures = [graphdata.pair_measures(graphdata.adjacency(edges, size), these, features, trial.seed)
                for edges, these in ((kept, taught), (pairs, asked))]  # fmt: skip
    tables = [pd.DataFrame(measure) for measure in measures]
    where = {k: task["key_from"].get(k, k) for k in task["keys"]}
    keys = pd.DataFrame({k: test[c] if c in test.columns else np.arange(len(test)) for k, c in where.items()})
    target: Any = labels.astype(float) if task["problem"] == "regression" else labels
    taskfit.run(trial, tables[0], pd.DataFrame({task["targets"][0]: target}), tables[1], keys, Measured)


def on_graphs(trial: taskfit.Trial) -> None:
    """Classification or regression of whole graphs."""
    rows, roles = taskrows.load(trial.task, trial.inputs), trial.task["roles"]
    labels = roles.get("labels", "")
    docs, shapes = [], []
    for table in (rows.train, rows.test):
        named = [list(map(str, cell)) for cell in table[labels]] if labels else [None] * len(table)
        cells = list(zip(table[roles["column"]], named, strict=True))
        docs.append([graphdata.graph_words(edges, own, 2) for edges, own in cells])
        shapes.append(np.array([graphdata.graph_shape(edges, own) for edges, own in cells]))
    words = TfidfVectorizer(analyzer=list, sublinear_tf=True, min_df=2, max_features=800).fit(docs[0])
    numbers = [name for name, kind in rows.types.items() if kind == "number"]
    tables = [pd.DataFrame(np.hstack([shape, words.transform(doc).toarray(), table[numbers].fillna(0).to_numpy()]))
              for shape, doc, table in zip(shapes, docs, (rows.train, rows.test), strict=True)]  # fmt: skip
    taskfit.run(trial, tables[0], rows.target, tables[1], rows.keys, Measured)


if __name__ == "__main__":
    started = taskfit.start()
    {"nodes": on_nodes, "links": on_links, "graphs": on_graphs}[started.task["roles"]["task"]](started)
