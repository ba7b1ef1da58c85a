"""The words by which heads, row names and captions of tables tell what their numbers are, or that they are none.

Patterns only; `claim_tables` applies them.
"""

from __future__ import annotations

import re

CITING = re.compile(r"\[\d+[\d,; –-]*\]|et al|\b(?:19|20)\d\d[a-z]?\)|\bprevious|\bprior\b|\bSOTA\b|\breported\b", re.I)
OURS = re.compile(r"\b(?:ours?|proposed|this (?:work|paper|study))\b", re.I)
ABLATED = re.compile(
    r"\W{0,3}(?:w/o?|with(?:out)?|no|only|full|all|remov\w*|replac\w*|-|−|–|\+|base(?:line)?)\b|[-−–+]\s?\w", re.I
)
OF_MODELS = re.compile(
    r"model|method|system|algorithm|approach|architecture|network|agent|classifier|team|variant|baseline"
    r"|configuration|optimi"
    r"|loss|activation|setting|backbone|encoder|decoder|framework|strategy|technique|policy|learner|detector"
    r"|module|defen[cs]e",
    re.I,
)
OF_DATA = re.compile(
    r"(?:[\w-]+ )?(?:data ?sets?|data|corpus|corpora|benchmarks?|tasks?|domains?|languages?|environments?"
    r"|games?)(?: \(.*\)| names?)?",
    re.I,
)
SPECIFICATION = re.compile(
    r"\b(?:architectures? (?:of|details|used|for)|specifications?|configurations?|hyper-?parameters?|statistics"
    r"|notation|details? of"
    r"|settings? (?:of|used|for)|summary of (?:the )?data|complexity|examples? of|list of|number of|size of"
    r"|overview)\b",
    re.I,
)
NEVER = re.compile(
    r"hyper-?param|search space|standard (?:errors?|deviations?)|statistics|architecture of|configuration"
    r"|settings? (?:of|used|for)",
    re.I,
)
AVERAGE = re.compile(r"\b(?:avg|average|mean|overall|all|total|top-?\d|acc|macro|micro|score|std|gain)\b", re.I)
DATA_SETS = re.compile(
    r"\b(?:data ?sets|benchmarks|tasks|languages|domains|corpora|test sets|environments|games)\b", re.I
)
GENERIC = re.compile(
    r"(?:performance|classif\w*|statistic|t-stat\w*|accurac\w*|time|speed|win|draw|loss|lose|case|output|input"
    r"|type|class"
    r"|value|result|setting|mode|baseline|no|yes|full|small"
    r"|base|medium|large|best|worst|min|max|ours?"
    r"|category|domain|test|train\w*|valid\w*|val|dev|single|group|level|run|step|iter\w*|stage|split|version"
    r"|none|original|random|final|first|last)s?\b",
    re.I,
)
PROPER = re.compile(r"(?:[A-Z][\w.+/-]*|[a-z]{2,}\d\w*|[a-z]+(?:_[a-z]+)+)(?:[ -][\w.()+-]+){0,2}")
_PER_TIME = r"|/\s?s(?:ec)?\b|per second|\bsecs?\b|\bimages\b|\bMB\b|\bGB\b|\bms\b"
NO_RESULT = re.compile(
    r"#|\bparam|\bsizes?\b|\bepochs?\b|\byear\b|\blayers?\b|\bsamples?\b|\binstances?\b|\bfeatures?\b|\bnumber\b"
    r"|\bno\.|\bnum\b"
    r"|\bFLOP|\bM?MACs?\b|\btimes?\b|\bhours?\b|\bdepth\b|\bclasses\b|\bdim|\bdata type\b|\bid\b|\bp-?val"
    r"|\btokens?\b|\bGPU|\bmemory\b|\bbits?\b"
    r"|\blr\b|learning rate|\bweight\b|\bsparsity\b|\bratio\b|\bcosts?\b|\bsteps?\b|\bbatch\b|\bstd\b"
    r"|\bvar(?:iance)?\b|\bλ|\bα|\bβ|\bk\b|\bseed|\bdf\b|\bt-stat|statistic"
    r"|\b(?:train|test|dev|val)\w* (?:size|set|data)|\blength\b|\bcount|\bvocab|\bresolution\b|\brank\b|∆|Δ"
    r"|\bgain|\bimprov|\bdiff\b" + _PER_TIME,
    re.I,
)
WITHOUT = re.compile(r"\b(?:w/o?|with(?:out)?)\b|\+", re.I)
ARROW = re.compile(r"\s?\(?[↑↓⇑⇓]\)?")
OF_BASELINES = re.compile(
    r"\b(?:prior|previous|existing|published|related) (?:works?|methods?|models?|results?|approaches|systems?)\b"
    r"|\bstate[- ]of[- ]the[- ]art\b|\bSOTA\b"
    r"|\bbaselines? (?:\w+ ){0,2}from\b|\b(?:numbers|results|scores?) (?:are |were )?(?:taken|reported|copied"
    r"|quoted|cited)\b|\bother (?:methods|models|systems)\b",
    re.I,
)
"""The table compares with others: without a mark none of its rows is known to be the paper's own."""
RESULTS = re.compile(r"\b(?:results?|performances?|compar\w+|evaluat\w+|accurac\w+|scores?|ablation|effect)\b", re.I)
