"""The metrics that papers report, the values that each can have, and how a number and its unit are printed.

Knows single words only; what number belongs to what metric is for `claim_results` (prose) and `claim_tables`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_QUALIFIERS = re.compile(
    r"(?:\b(?:top-?\d+|test(?:ing)?|validation|val|dev|train(?:ing)?|classification|prediction|mean|average"
    r"|avg\.?|median"
    r"|overall|balanced|token|word|character|phone(?:me)?|joint|cross[- ]entropy|macro|micro|weighted|final|zero-shot"
    r"|few-shot|linear|normali[sz]ed|pixel|segmentation|detection|box|mask|absolute|relative|Pearson(?:'s)?"
    r"|Spearman(?:'s)?|Kendall(?:'s)?|rank)[- ]){1,3}$",
    re.I,
)
_ANY_CASE = {
    "accuracy": r"accurac(?:y|ies)\b|accs?\b\.?",
    "F1": r"f[-_ ]?1\b|f1(?=score)|f-?(?:scores?|measures?)\b|(?:macro|micro)[- ]f\b",
    "AUC": r"auc\b|auroc\b|auprc\b|aupc\b|roc[- ]?auc\b|area under the (?:roc )?curve",
    "BLEU": r"bleu(?:-\d)?\b|sacrebleu\b",
    "BLEURT": r"bleurt\b",
    "CIDEr": r"cider(?:-d)?\b",
    "chrF": r"chrf(?:\+\+)?",
    "BERTScore": r"bert-?score\b",
    "ROUGE": r"rouge(?:-[12l](?:sum)?)?\b",
    "perplexity": r"perplexit(?:y|ies)\b|ppl\b",
    "bits per character": r"bits[- ](?:per|/)[- ]char(?:acter)?\b|bpc\b",
    "bits per byte": r"bits[- ]per[- ]byte\b|bpb\b",
    "bits per dimension": r"bits[ /-](?:per[ -])?dim(?:ension)?\b|bpd\b",
    "negative log-likelihood": r"negative log[- ]likelihood\b|nll\b",
    "MAE": r"mae\b|mean absolute error\b",
    "RMSE": r"rmse\b|root[- ]mean[- ]squared?[- ]error\b",
    "MSE": r"mse\b|mean[- ]squared?[- ]error\b",
    "MAPE": r"mape\b",
    "mAP": r"map@[\d.:\[\]]+|mean average precision\b",
    "AP": r"average precision\b",
    "precision": r"precision(?:@\d+)?(?!\w)",
    "recall": r"recall(?:@\d+)?(?!\w)",
    "NDCG": r"n?dcg(?:@\d+)?(?!\w)",
    "MRR": r"mrr(?:@\d+)?(?!\w)|mean reciprocal rank\b",
    "hit rate": r"hit[- ]?(?:rates?|ratio)(?:@\d+)?(?!\w)|hits?@\d+",
    "FID": r"fid\b|fr[ée]chet inception distance\b",
    "FVD": r"fvd\b",
    "FAD": r"fad\b",
    "Inception score": r"inception scores?\b",
    "PSNR": r"psnr\b",
    "SSIM": r"ssim\b",
    "LPIPS": r"lpips\b",
    "IoU": r"m?ious?\b",
    "Hausdorff distance": r"hd95\b|hausdorff distance\b",
    "PQ": r"panoptic quality\b",
    "pass@k": r"pass@\d+(?!\w)",
    "exact match": r"exact[- ]match\b",
    "MOS": r"mean opinion scores?\b",
    "EER": r"equal error rate\b",
    "WER": r"word error rates?\b",
    "CER": r"character error rates?\b",
    "speedup": r"speed-?ups?\b",
    "throughput": r"throughput\b",
    "latency": r"latency\b",
    "kappa": r"(?:cohen|fleiss)['’]?s? (?:kappa\b|κ)|kappa\b",
    "correlation": r"correlations?(?: coefficients?)?\b",
    "sensitivity": r"sensitivity\b",
    "specificity": r"specificity\b",
    "win rate": r"win(?:ning)?[- ]rates?\b",
    "success rate": r"success[- ]rates?\b",
    "pass rate": r"(?:pass|solve|resolve|completion|detection|hallucination|refusal)[- ]rates?\b",
    "reward": r"(?:episod\w+|cumulative|total|mean|average) (?:rewards?|returns?)\b",
    "error rate": r"errors?(?: rates?)?\b",
    "log loss": r"log[- ]?loss\b",
    "loss": r"loss(?:es)?\b",
    "score": r"scores?\b",
}
_AS_SPELT = {
    "METEOR": r"METEOR\b",
    "SPICE": r"SPICE\b",
    "ROUGE": r"R-[12L]\b",
    "R2": r"R ?(?:2|²)(?!\w|\.\w)",
    "mAP": r"mAP(?!\w)",
    "AP": r"AP(?:@?(?:50|75|[SML]|[sml]))?\b",
    "precision": r"P@\d+",
    "recall": r"R@\d+",
    "hit rate": r"HR@\d+",
    "Dice": r"Dice\b|DSC\b",
    "PQ": r"PQ\b",
    "exact match": r"EM\b",
    "MOS": r"[CSN]?MOS\b",
    "PESQ": r"PESQ\b",
    "SDR": r"(?:SI-)?SDRi?\b",
    "EER": r"EER\b",
    "WER": r"WER\b",
    "CER": r"CER\b",
    "MCC": r"MCC\b",
    "MPJPE": r"(?:[A-Z]{1,2}-)?MPJPE\b",
    "COMET": r"COMET\b",
    "ASR": r"ASR(?=\s?[↑↓(])",
    "correlation": r"PLCC\b|SRCC\b|SROCC\b",
}
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZÉ", "abcdefghijklmnopqrstuvwxyzé")


def _either(words: Mapping[str, str]) -> re.Pattern[str]:
    """All of them without groups or flags, which lets the matcher pass over a word by its first letter."""
    return re.compile(rf"\b(?:{'|'.join(words.values())})")


_EITHER = [(_either(words), {kind: re.compile(one) for kind, one in words.items()}) for words in (_ANY_CASE, _AS_SPELT)]
_SUFFIX = re.compile(r"\)?[- ](?:scores?|values?)\b", re.I)
_KIND_OF = re.compile(
    r"\b(?!(?:the|this|each|our|its|all|their|these|that|in|an?|of|and|or|with|for|on|by|to|as|at|no|any|is|are|was"
    r"|which|from|than|both|two|higher|lower|best|better|worse|good|high|low|new|same|resulting|corresponding|reported"
    r"|obtained|achieved|competitive|perfect|raw|gets?|we|respective|set|impressive|remarkable|highest|lowest)\b)"
    r"[A-Za-z][\w-]*[ -]$",
    re.I,
)
"""The word that says what kind of score or error is meant ("challenge score", "test error")."""
GENERAL = frozenset({"score", "loss", "error rate", "reward", "precision", "correlation"})
"""Words that also stand for other things: a value of one of them has to be said next to it."""
_UNIT = re.compile(
    r"\s?(%|percentage points?|percent(?!age)|points?\b|pp\b|pts?\b|[×x](?!\s?\d)(?!\w)|ms\b|seconds?\b|s\b"
    r"|hours?\b|minutes?\b"
    r"|dB\b|mm\b|cm\b|GB\b|MB\b|epochs?\b|steps\b)"
)
_DEVIATION = re.compile(r"\s?(?:±|\+/-)\s?\d[\d.]*")
NUMBER = re.compile(
    r"(?<![\w.,/%)@-])[-+−]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
    r"|\.\d+)(?:[eE][-+]?\d+)?(?![\w]*[-_]?[A-Za-z]{3,}\d)"
)
_SPELT = {"percent": "%", "x": "×", "pts": "points", "pt": "points", "percentage point": "points", "pp": "points"}
_QUALIFIED = re.compile(
    r"\d|@|\+\+|macro|micro|weighted|balanced|valid|\bval\b|\bdev\b|test|train|word|token|joint|pearson|spearman"
    r"|kendall|MPJPE|mAP|mIoU"
    r"|median|linear|zero|few|human|box|mask",
    re.I,
)
_SHARES = frozenset(
    [
        "accuracy",
        "F1",
        "AUC",
        "BLEU",
        "METEOR",
        "ROUGE",
        "precision",
        "recall",
        "AP",
        "mAP",
        "NDCG",
        "MRR",
        "hit rate",
        "IoU",
        "Dice",
        "PQ",
        "pass@k",
        "exact match",
        "sensitivity",
        "specificity",
        "win rate",
        "success rate",
        "pass rate",
        "EER",
        "BERTScore",
    ]
)


@dataclass(frozen=True)
class Named:
    """A metric where a text names it: its span, the name that the ledger uses, and the kind of metric."""

    start: int
    end: int
    name: str
    kind: str


def metrics_in(text: str) -> list[Named]:
    """The metrics that a text names, left to right, with the words before them that tell which ("top-5 accuracy")."""
    out: list[Named] = []
    for begin, end, kind in _kinds(text):
        words = _KIND_OF if kind in {"score", "error rate"} else _QUALIFIERS
        qualified = words.search(text, max(0, begin - 40, out[-1].end if out else 0), begin)
        start = qualified.start() if qualified else begin
        out.append(Named(start, end, _name(kind, text[start:end]), kind))
    return out


def _kinds(text: str) -> list[tuple[int, int, str]]:
    """Start, end and kind of each metric word, none inside another."""
    found = []
    for (pattern, words), within in zip(_EITHER, (text.translate(_LOWER), text), strict=True):
        for match in pattern.finditer(within):
            kind = next(kind for kind, one in words.items() if one.match(within, match.start()))
            suffix = _SUFFIX.match(text, match.end())
            found.append((match.start(), suffix.end() if suffix else match.end(), kind))
    found.sort(key=lambda one: (one[0], -one[1]))
    return [one for at, one in enumerate(found) if not at or one[0] >= max(end for _, end, _ in found[:at])]


def _name(kind: str, printed: str) -> str:
    """As printed when that says more than the kind ("top-5 accuracy", "ROUGE-L"), else the kind."""
    words = re.sub(r"\s+", " ", printed).strip(" .")
    if kind in {"score", "reward", "pass rate", "error rate"} or _QUALIFIED.search(words):
        return re.sub(
            r"accuracies|\baccs?\b\.?",
            "accuracy",
            re.sub(r"(?<=score)s$|(?<=loss)es$|(?<=rate)s$|(?<=error)s$", "", words),
        )
    return kind


def unit_after(text: str, end: int) -> tuple[str, int]:
    """The unit of the number that ends at `end`, also behind a deviation ("93.1 ± 0.2 %"), and where it ends."""
    if deviation := _DEVIATION.match(text, end):
        end = deviation.end()
    match = _UNIT.match(text, end)
    return (_SPELT.get(match.group(1), match.group(1)), match.end()) if match else ("", end)


def parse_number(printed: str) -> float | None:
    """The number that these characters print, or None."""
    try:
        return float(printed.replace(",", "").replace("−", "-"))
    except ValueError:
        return None


def is_possible(kind: str, number: float, difference: bool = False) -> bool:
    """Whether a metric of this kind can have that value, as a share or in percent."""
    if difference:
        return True
    if kind in _SHARES:
        return 0 <= number <= 100
    if kind in {"correlation", "R2", "kappa", "MCC"}:
        return -100 <= number <= 100
    if kind in {"perplexity", "FID", "FVD", "PSNR", "latency", "throughput", "MSE", "MAE", "RMSE", "error rate", "WER"}:
        return number >= 0
    return True
