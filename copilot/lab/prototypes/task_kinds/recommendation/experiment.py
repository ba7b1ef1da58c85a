"""Items for users, best first, from a table of who took what. `card.md` lists the parameters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import taskfit
import taskrows
import taskscores
from scipy import sparse
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd


class Taken:
    """Users x items as a sparse matrix, built from drawn interactions; users and items keep their numbers."""

    def __init__(self, users: np.ndarray, items: np.ndarray, shape: tuple[int, int]) -> None:
        ones = np.ones(len(users))
        self.matrix = sparse.coo_matrix((ones, (users, items)), shape=shape).tocsr()
        self.matrix.data[:] = 1.0

    def scores(self, trial: taskfit.Trial, users: np.ndarray) -> np.ndarray:
        """Users x items: how much each item suits; popularity breaks ties and serves unknown users (number -1)."""
        popular = np.asarray(self.matrix.sum(axis=0)).ravel() / max(1, self.matrix.shape[0])
        base = np.tile(popular * (1.0 if trial.model == "popular" else 1e-6), (len(users), 1))
        known = users >= 0
        if trial.model == "popular" or not known.any():
            return base
        own = self.matrix[users[known]]
        if trial.model == "factors":
            size = int(min(trial.number("factors", 24), min(self.matrix.shape) - 1))
            _, _, right = randomized_svd(normalize(self.matrix), n_components=size, random_state=trial.seed)
            base[known] += (own @ right.T) @ right
        elif trial.model == "walk":
            per_user, per_item = normalize(self.matrix, "l1"), normalize(self.matrix.T.tocsr(), "l1")
            base[known] += ((normalize(own, "l1") @ per_item) @ per_user).toarray()
        else:
            columns = normalize(self.matrix, axis=0)
            base[known] += (own @ (columns.T @ columns)).toarray()
        return base

    def best(self, trial: taskfit.Trial, users: np.ndarray) -> np.ndarray:
        """Item numbers, best first, for each user; what the user has comes last unless `again`."""
        scores = self.scores(trial, users)
        if not trial.parameters.get("again"):
            known = np.flatnonzero(users >= 0)
            have = self.matrix[users[known]].toarray() > 0
            scores[known] = np.where(have, scores[known] - scores.max() - 1, scores[known])
        return np.argsort(-scores, axis=1, kind="stable")[:, : taskscores.RANKS]


def measured(metric: str, best: np.ndarray, wanted: list[set[int]]) -> float:
    """The ranking metric over users with hidden items."""
    depth = taskscores.depth(metric)
    hits = np.array([[item in own for item in row[:depth]] for row, own in zip(best, wanted, strict=True)])
    return taskscores.hit_score(metric, hits, np.array([len(own) for own in wanted]))


def main() -> None:
    """The trial: hide part of the drawn interactions to measure, then learn from all drawn ones and answer."""
    trial = taskfit.start()
    task, metric = trial.task, str(trial.task["metric"])
    train, test = taskrows.split_tables(task, trial.inputs)
    user, item = str(task["roles"]["user"]), str(task["targets"][0])
    users, user_names = pd.factorize(train[user].map(str))
    items, item_names = pd.factorize(train[item].map(str))
    shape = (len(user_names), len(item_names))
    rng = np.random.default_rng(trial.seed)
    drawn = rng.permutation(len(train))[: max(4, round(trial.number("rows", 0.9) * len(train)))]
    hidden = drawn[: max(1, round(trial.number("validation", 0.2) * len(drawn)))]
    seen = np.setdiff1d(drawn, hidden)
    wanted = pd.Series(items[hidden]).groupby(users[hidden]).agg(set)
    best = Taken(users[seen], items[seen], shape).best(trial, wanted.index.to_numpy())
    value = measured(metric, best, list(wanted))
    asked = task["key_from"].get(task["keys"][0], task["keys"][0])
    numbers = pd.Index(user_names).get_indexer(test[asked].map(str))
    named = item_names.to_numpy()[Taken(users[drawn], items[drawn], shape).best(trial, numbers)].tolist()
    mark = "|" if any(set(" ,;") & set(name) for name in item_names) else " "
    cells = pd.Series(named if task["form"] == "jsonl" else [mark.join(row) for row in named], dtype=object)
    keys = pd.DataFrame({task["keys"][0]: test[asked].to_numpy()})
    taskfit.write(trial, value, keys.assign(**{task["answers"].get(item, item): cells}))


if __name__ == "__main__":
    main()
