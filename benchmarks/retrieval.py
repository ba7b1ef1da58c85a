"""Measures retrieval without a language model, beside plain TF-IDF over the cards, in one run.

    python benchmarks/retrieval.py --material DIR [--json]

DIR holds `hub/models.jsonl` and `hub/datasets.jsonl` (records in the words of the Hub API) and, optionally,
`retrieval_dev/gorilla_dev_queries.jsonl` (requests of APIBench with the model its authors had in mind). Two query sets
of our own stand beside this file: `retrieval_queries.jsonl` (what a researcher would type -> acceptable ids) and
`task_queries.jsonl` (problems in plain words -> the Hub's task). Even and odd rows are reported apart, which
shows how far chance goes; all of them have been read. Our own sets and the lexicon have one author: they guard against
regressions and say little about the requests of others. `retrieval_more.jsonl` has
the later ones by group: short and everyday requests, requests of companies, descriptions of research whose data is to
be found, and requests for which the index has nothing. Of rows marked `unread` nobody looked at a single answer; what
changed after the third sets were written, `docs/retrieval.md` says. All others are regression tests.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from copilot.hub.index import read_index
from copilot.hub.lexical import plain
from copilot.hub.retrieve import retrieve_many
from copilot.hub.safety import judge
from copilot.hub.source import IndexSource
from copilot.hub.values import Filters, Kind, Record

HERE = Path(__file__).resolve().parent
Row = dict[str, Any]
Answers = list[list[str]]


def rows_of(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []


def ours(source: IndexSource, queries: Sequence[tuple[str, Kind]]) -> tuple[Answers, list[bool]]:
    """Ids of the hits, and whether the answer says that something fits."""
    answers = retrieve_many(queries, source=source)
    return [[hit.id for hit in answer.hits] for answer in answers], [answer.fits for answer in answers]


def tfidf(records: Sequence[Record], queries: Sequence[tuple[str, Kind]]) -> Answers:
    """The comparison: cosine over ids, tags and whole cards."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    answers: Answers = [[] for _ in queries]
    for kind in ("model", "dataset"):
        chosen = [n for n, (_, wanted) in enumerate(queries) if wanted == kind]
        own = [record for record in records if record.kind == kind]
        if not chosen or not own:
            continue
        vectorizer = TfidfVectorizer(sublinear_tf=True, stop_words="english")
        texts = [f"{r.id} {' '.join(r.tags)} {r.description} {plain(r.card)}" for r in own]
        matrix = vectorizer.fit_transform(texts)
        scores = (vectorizer.transform([queries[n][0] for n in chosen]) @ matrix.T).toarray()
        for n, row in zip(chosen, scores, strict=True):
            answers[n] = [own[m].id for m in row.argsort()[::-1][:10]]
    return answers


def hit_rate(answers: Answers, golds: Sequence[set[str]], depth: int) -> float:
    return round(
        sum(bool(gold & set(found[:depth])) for found, gold in zip(answers, golds, strict=True)) / len(golds), 3
    )


def task_rate(answers: Answers, tasks: Sequence[str], by_id: dict[str, Record]) -> float:
    right = sum(bool(found) and by_id[found[0]].task == task for found, task in zip(answers, tasks, strict=True))
    return round(right / len(tasks), 3)


def api_bench(rows: list[Row], answers: Answers, by_id: dict[str, Record]) -> Row:
    golds = [{row["gold_model"]} for row in rows]
    tasks = [row["gold_task"] for row in rows]
    table = {"queries": len(rows), "task@1": task_rate(answers, tasks, by_id), "gold@10": hit_rate(answers, golds, 10)}
    halves = {
        f"task@1 {name} rows": task_rate(answers[n::2], tasks[n::2], by_id) for n, name in ((0, "even"), (1, "odd"))
    }
    return {**table, **halves}


def curated(rows: list[Row], answers: Answers, kind: str) -> Row:
    pairs = [(row, found) for row, found in zip(rows, answers, strict=True) if row["kind"] == kind]
    golds = [set(row["gold"]) for row, _ in pairs]
    found = [answer for _, answer in pairs]
    return {"queries": len(pairs), "hit@5": hit_rate(found, golds, 5), "hit@10": hit_rate(found, golds, 10)}


def plain_words(rows: list[Row], answers: Answers, by_id: dict[str, Record]) -> Row:
    tasks = [row["task"] for row in rows]
    halves = {
        f"task@1 {name} rows": task_rate(answers[n::2], tasks[n::2], by_id) for n, name in ((0, "even"), (1, "odd"))
    }
    return {"queries": len(rows), "task@1": task_rate(answers, tasks, by_id), **halves}


def group_of(row: Row) -> str:
    return f"{row['group']} ({row['half']})" if "half" in row else str(row["group"])


def said_so(rows: list[Row], answers: Answers, fits: list[bool], by_id: dict[str, Record]) -> Row:
    """How often it is said that nothing fits: where nothing does, and where the first three hold a right one."""
    table: Row = {}
    for half in ("read", "unread"):
        said = [
            not fit for row, fit in zip(rows, fits, strict=True) if not right_of(row, by_id) and row["half"] == half
        ]
        table[f"nothing fits ({half}) is said"] = f"{sum(said)} of {len(said)}"
    right = [
        not fit for row, found, fit in zip(rows, answers, fits, strict=True) if right_of(row, by_id) & set(found[:3])
    ]
    return {**table, "said although a right one is there": f"{sum(right)} of {len(right)}"}


def right_of(row: Row, by_id: dict[str, Record]) -> set[str]:
    """The ids that are right: those listed, or all of the task."""
    if "task" in row:
        return {name for name, record in by_id.items() if record.task == row["task"]}
    return set(row.get("gold", ()))


def more(rows: list[Row], answers: Answers, by_id: dict[str, Record]) -> Row:
    """Each group: the task of the first answer, or an accepted id in the first five (short requests) or ten."""
    table: Row = {}
    for group in dict.fromkeys(map(group_of, rows)):
        pairs = [(row, found) for row, found in zip(rows, answers, strict=True) if group_of(row) == group]
        found = [answer for _, answer in pairs]
        if "task" in pairs[0][0]:
            table[group] = {"queries": len(pairs), "task@1": task_rate(found, [row["task"] for row, _ in pairs], by_id)}
        elif "gold" in pairs[0][0]:
            golds = [set(row["gold"]) for row, _ in pairs]
            table[group] = {"queries": len(pairs), **{f"hit@{n}": hit_rate(found, golds, n) for n in (5, 10)}}
    return table


def measure(material: Path) -> Row:
    """All tables; seconds are of the processor, so that a busy machine does not change them."""
    records = read_index([material / "hub"])
    by_id = {record.id: record for record in records}
    known = set(by_id)
    bench = rows_of(material / "retrieval_dev" / "gorilla_dev_queries.jsonl")
    research = [row for row in rows_of(HERE / "retrieval_queries.jsonl") if known & set(row["gold"])]
    words = rows_of(HERE / "task_queries.jsonl")
    later = [row for row in rows_of(HERE / "retrieval_more.jsonl") if "gold" not in row or known & set(row["gold"])]
    queries: list[tuple[str, Kind]] = [(row["query"], "model") for row in bench]
    queries += [(row["query"], row["kind"]) for row in research] + [(row["query"], "model") for row in words]
    queries += [(row["query"], row["kind"]) for row in later]
    result: Row = {"records": len(records)}
    for name in ("ours", "tfidf"):
        start = time.process_time()
        answers, fits = (
            ours(IndexSource(records), queries) if name == "ours" else (tfidf(records, queries), [True] * len(queries))
        )
        seconds = round(time.process_time() - start, 2)
        first, second = len(bench), len(bench) + len(research)
        third = second + len(words)
        table: Row = {"processor seconds, index included": seconds}
        table |= {"APIBench development": api_bench(bench, answers[:first], by_id)} if bench else {}
        table |= {f"curated {kind}s": curated(research, answers[first:second], kind) for kind in ("model", "dataset")}
        table |= {"problems in plain words": plain_words(words, answers[second:third], by_id)}
        table |= more(later, answers[third:], by_id)
        table |= {"honesty": said_so(later, answers[third:], fits[third:], by_id)} if name == "ours" else {}
        result[name] = table
    alarms = [record.id for record in records if judge(record, Filters()).distrusted]
    return {**result, "records distrusted": len(alarms), "which": alarms}


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--material", type=Path, required=True, help="folder with hub/ and retrieval_dev/")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    arguments = parser.parse_args()
    result = measure(arguments.material)
    if arguments.json:
        print(json.dumps(result, indent=1))
        return
    for name, value in result.items():
        print(name, "" if isinstance(value, dict) else value)
        for key, row in value.items() if isinstance(value, dict) else ():
            print(f"  {key}: {row}")


if __name__ == "__main__":
    main()
