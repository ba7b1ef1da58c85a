"""The words by which claims are known: metrics, settings, data sets, and how papers speak of results and limits.

Patterns only; `claims` applies them.
"""

from __future__ import annotations

import re

from copilot.domain.paper import ClaimKind

LIMITS: dict[ClaimKind, int] = {
    "result": 120,
    "finding": 40,
    "method": 25,
    "limitation": 25,
    "future_work": 20,
    "hyperparameter": 60,
    "dataset": 40,
}
OWN = re.compile(r"\b(?:we|our|ours|this (?:work|paper|study|article))\b", re.I)
"""The authors speak of themselves."""
FINDING = re.compile(
    r"\bwe (?:\w+ )?(?:find|found|observe[d]?|show(?:ed|n)?|demonstrate[d]?|discover(?:ed)?|conclude[d]?"
    r"|reveal(?:ed)?)\b"
    r"[^.]{0,40}\bthat\b|\b(?:our|these) (?:\w+ )?(?:results?|experiments?|findings?|analys[ie]s"
    r"|evaluation)(?: \w+){0,3}"
    r" (?:show|suggest|indicate|demonstrate|reveal|confirm)s?\b|\bthe (?:results|experiments|findings)(?: \w+){0,3}"
    r" (?:show|suggest|indicate|demonstrate|reveal|confirm)\b|^(?:[^,]{0,60}, )?suggesting that\b",
    re.I,
)
NO_FINDING = re.compile(
    r"\?$|\bwe (?:will|shall) (?:\w+ )?(?:show|demonstrate|see|find|observe)\b|^(?:later|next|in (?:this"
    r"|the following|the next) (?:sub)?section)\b|\bcan we\b|\bmight conclude\b|^(?:previously|earlier)\b"
    r"|\bin (?:our )?(?:previous|earlier|prior) (?:work|paper|study)\b",
    re.I,
)
"""Questions, and what is to be shown later."""
METHOD = re.compile(
    r"^(?!(?:In|As (?:shown|illustrated|seen)|See) (?:Section|Fig|Table|Appendix|the (?:following|next)"
    r"|this section)|(?:Finally|First|Second|Next|Then|Now|Below),? |.*\b(?:when|as|if|where|because"
    r"|since) we (?:introduce|present|propose|develop)\b|.*\bwe introduce \S{1,3} ?=|.*\bthat we (?:present|propose"
    r"|introduce) (?:is|are)\b|.*\bwe (?:first|finally|then|next|now|briefly) (?:introduce|present|describe)\b"
    r").*"
    r"\bwe (?:\w+ )?(?:propose|introduce|present|develop|design)(?:ed)?\b"
    r"(?! (?:in|to|that|testing|(?:the |our |some |an? |more |additional )?(?:\w+ ){0,2}(?:results?|details?"
    r"|overview|experiments?|evaluations?|analys[ie]s"
    r"|findings?|proofs?|ablations?|comparisons?|discussion|evidence|examples?|notations?|performance)\b))"
    r"|\b(?:this paper|this work|this article) (?:proposes|introduces|presents|investigates|develops)\b"
    r"|\bour (?:method|approach|model|algorithm|framework) (?:uses|consists|combines|extends|builds)\b",
    re.I,
)
OWN_LIMIT = re.compile(
    r"\b(?:limitations?|drawbacks?|shortcomings?|weakness(?:es)?|caveats?) (?:of|in|to|with) (?:our|this"
    r"|the (?:proposed|present|presented|current (?:work|study)))\b"
    r"|\bour (?:\w+ )?limitations?\b"
    r"|\bour (?:\w+ ){1,4}(?:is|are|was|were|remains?) (?:\w+ )?(?:limited (?:to|by|in)|restricted to|unable to)\b"
    r"|\bour (?:proposed |current )?(?:method|approach|model|system|framework|algorithm|study|work|analysis"
    r"|experiments?|evaluation|results) (?:\w+ )?"
    r"(?:cannot|can ?not|do(?:es)? not (?:account|consider|address|handle|cover|scale|generali[sz]e|include"
    r"|apply|guarantee|support|capture|take)|fails? to|may not|might not)\b"
    r"|\bwe (?:\w+ )?(?:do|did|could|have) ?not (?:\w+ )?(?:consider|address|evaluat|test|account|explore|handle"
    r"|cover|stud[yi]|examine|investigat|conduct|experiment|be able)\w*\b"
    r"|\b(?:we|our (?:\w+ ){1,2}) ?(?:have )?only (?:evaluat|test|stud[yi]|examin|explor|experiment|investigat)\w*"
    r"|\bthreats? to validity\b"
    r"|\b(?:it|this) (?:is|remains) (?:unclear|unknown) (?:whether|how|if)\b[^.]{0,80}\bour\b",
    re.I,
)
"""A limit of the paper's own."""
TOLD_LIMIT = re.compile(
    r"\b(?:one|another|a|main|major|key|primary|first|second|third|final|potential|important"
    r"|current) (?:\w+ )?(?:limitation|drawback|shortcoming|weakness|caveat)"
    r"(?: \w+){0,6} (?:is|was|lies|comes)\b|\bwe only (?:consider|focus)\w*|\b(?:may|might) not (?:generali[sz]e"
    r"|hold|apply|scale)\b|\bremains? (?:unclear|unknown|challenging)\b"
    r"|\bwe (?:are|were) (?:\w+ )?unable\b",
    re.I,
)
"""A limit, where papers look back on themselves."""
LEADS_IN = re.compile(
    r":$|\b(?:still|has|have|several|some|following|are|its) (?:\w+ )?limitations\b|\bdoes not mean\b"
    r"|\bdiscuss\b[^.]*\blimitations\b|\bopens?\b"
    r"|\bSection \d|\bdiscusses\b[^.]*\blimitations\b|\bstill valid\b|\bavenues?\b|\b(?:could|would) (?:yield"
    r"|improve|further)\b|[∈∗Ω˜]",
    re.I,
)
"""Sentences around a limit that state none."""
LIMITED = re.compile(
    r"\b(?:limit\w*|not|cannot|only|lacks?|lacking|unable|fails?|restrict\w*|may|might|could|difficult\w*"
    r"|expensive|costly|bias\w*|drawbacks?"
    r"|assum\w+|requires?|insufficient|challeng\w+|unclear|unknown|unexplored|hinder\w*|despite|although|though"
    r"|however|while|small)\b",
    re.I,
)
"""What a sentence of a section on limitations says of one; its others lead in or sum up."""
OTHERS_LIMIT = re.compile(
    r"\bnot (?:limited|restricted) to\b|\bnot a limitation\b|\b(?:limitations?|shortcomings?|drawbacks?"
    r"|weakness(?:es)?) (?:of"
    r"|in) (?:the )?(?:existing|previous|prior|current|standard|traditional|conventional"
    r"|these|those|other|such|many|most|either|recent)\b|\b(?:address|overcome|alleviat|tackl|mitigat|solv|remed"
    r"|avoid)\w* (?:\w+ ){0,3}(?:limitation|shortcoming|drawback|weakness|issue)"
    r"|^(?:in contrast|unlike|compared)|\bonly consider(?:ing)? the (?:constituents|case|most)\b",
    re.I,
)
FUTURE = re.compile(
    r"\bfuture (?:work|research|studies|directions?|investigations?|experiments?)\b|\bin (?:the )?future,? (?:we"
    r"|it would|our|one could|this)\b"
    r"|\bwe (?:\w+ )?(?:plan|intend|aim) to\b(?=.{0,200}\b(?:future|further|extend|next)\b)"
    r"|\bwe (?:\w+ )?leave\b[^.]{0,160}\b(?:future|later work|further (?:work|research|stud\w+|investigat\w+)"
    r"|open (?:question|problem)|subsequent work)|\bwe hope (?:to|that)\b[^.]*\b(?:future|further)\b"
    r"|\bwe\b[^.]{0,60}\bin (?:the )?future\b|\bleave"
    r" (?:\w+ ){0,6}(?:for|to) future\b|\bwould be (?:\w+ )?(?:interesting|worthwhile|valuable|useful) to\b"
    r"|\bremains? to be"
    r" (?:seen|explored|studied|investigated)\b|\bremains? an open\b|(?<!we )\bfurther (?:research|work"
    r"|investigation|study)\b",
    re.I,
)
NO_FUTURE = re.compile(
    r"\bSec(?:tion|t|s)?\.? ?(?:\d|[IVX]+\b)|\bconvenience\b|\bpointers? to\b|\bidentif\w+ [^.]{0,30}areas\b"
    r"|\bdirections? (?:are|is) (?:given|presented|discussed|outlined)"
    r"|\b(?:conclude|discuss|outline|end|close)\w* [^.]{0,60}\bfuture\b|\binspir\w+|\bserves? as\b"
    r"|\b(?:presents?|reviews?|examin\w+|understanding of|guid\w+|baselines? for) [^.]*\bfuture\b|\?$"
    r"|\baim(?:s|ing) to\b|\bavailable\b|\bwill be able to\b|\bto highlight\b"
    r"|\bfor future experiments\b|\bwe choose\b|\blater section\b|\bpresent and future\b|\b(?:facilitate|support"
    r"|enable|encourage|foster)s? (?:further|future)|\bplan(?:s|ned)? (?:of"
    r"|by)\b|\bfuture (?:state|reward|step|return|frame|time)s?\b",
    re.I,
)
"""The word in another sense."""
INSTRUCTION = re.compile(
    r"\b(?:camera-ready|page limit|style files?|LaTeX|Rolling Review|submissions? (?:must|should|will)"
    r"|anonymi[sz]ed version"
    r"|NeurIPS paper checklist|\[Yes\]|\[No\]|\[NA\])",
    re.I,
)
"""Words of a template or a checklist, which are not the authors'."""
SETTINGS = {
    "learning rate": r"learning[- ]rates?|\blr\b|step sizes?",
    "batch size": r"(?:mini-?)?batch(?:[- ]sizes?)?(?= (?:of|size|=|is|was)| size)|batch[- ]sizes?",
    "epochs": r"epochs?",
    "dropout": r"dropout(?: rate| probability)?",
    "weight decay": r"weight[- ]decay",
    "hidden size": r"hidden (?:sizes?|dimensions?|units|states?|layer sizes?)|embedding (?:size|dimension)s?"
    "|\bd_?model\b",
    "layers": r"layers?",
    "attention heads": r"(?:attention )?heads?",
    "momentum": r"momentum",
    "training steps": r"(?<!time )(?<!time-)(?:training |gradient |update |optimization )?(?:steps|iterations|updates)",
    "warmup": r"warm-?up",
    "temperature": r"temperature",
    "optimizer": r"\b(?:AdamW?|SGD|RMSProp|Adagrad|Muon|Adafactor|L-?BFGS|LAMB|Lion)\b",
    "seeds": r"(?:random )?seeds?|independent runs",
    "parameters": r"(?:trainable )?parameters",
    "sequence length": r"(?:sequence|context) lengths?|max(?:imum)? length",
}
SETTING_PATTERN = {
    name: re.compile(rf"(?:{pattern})(?!\w)", 0 if name == "optimizer" else re.I) for name, pattern in SETTINGS.items()
}
CITED = re.compile(
    r"\b(?:et al\.?|the authors|prior work|previous work|they|their)\b|\((?:[A-Z][^()]*)?(?:19|20)\d\d[a-z]?\)"
    r"|\[\d+(?:[,–-] ?\d+)*\]",
    re.I,
)
"""The sentence speaks of somebody else's work, or may."""
SKIP = re.compile(
    r"(?:references?|bibliography|acknowledg|author contrib|related works?|background|.*checklist|ethic)", re.I
)
