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
METRICS = {
    "accuracy": r"(?:top-?[15] |test |validation |classification |mean |average |overall |balanced )?accurac(?:y"
    "|ies)|\bacc\b",
    "F1": r"\b(?:macro|micro|weighted)?[- ]?F[-_ ]?1\b(?:[- ]scores?)?|\bF-?(?:scores?|measure)\b",
    "AUC": r"\b(?:ROC[- ]?)?AU(?:RO)?C\b|\bROC[- ]AUC\b",
    "BLEU": r"\bBLEU\b(?:-\d)?",
    "ROUGE": r"\bROUGE(?:-[12L])?\b",
    "perplexity": r"\bperplexit(?:y|ies)\b|\bPPL\b",
    "loss": r"(?:validation |test |training |cross[- ]entropy )?\bloss(?:es)?\b",
    "error rate": r"\b(?:test |classification |word |top-?[15] )?error(?: rates?)?\b|\bWER\b",
    "MAE": r"\bMAE\b|mean absolute error",
    "RMSE": r"\bRMSE\b|root mean squared? error",
    "MSE": r"\bMSE\b|mean squared? error",
    "R2": r"\bR ?(?:2|²)\b",
    "mAP": r"\bmAP\b|mean average precision",
    "precision": r"\bprecision\b",
    "recall": r"\brecall\b(?:@\d+)?",
    "FID": r"\bFID\b|Fréchet Inception Distance",
    "IoU": r"\bm?IoU\b|\bDice\b",
    "pass@k": r"\bpass@\d+\b",
    "exact match": r"\bexact match\b|\bEM\b",
    "speedup": r"\bspeed-?ups?\b|\bthroughput\b|\blatency\b",
    "correlation": r"\bcorrelations?\b|\bPearson\b|\bSpearman\b",
    "win rate": r"\bwin[- ]rates?\b|\bsuccess rates?\b",
    "score": r"\bscores?\b",
}
METRIC = {
    name: re.compile(pattern, re.I if name not in {"R2", "IoU", "mAP"} else 0) for name, pattern in METRICS.items()
}
NUMBER = re.compile(
    r"(?<![\w.,/-])[-+−]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<![\w.,/-])[-+−]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
)
UNIT = re.compile(
    r"\s?(%|percentage points?|percent|points?|pp\b|×|x\b|ms\b|seconds?|s\b|hours?|minutes?|GB\b|MB\b|epochs?|steps)"
)
RESULT_VERB = re.compile(
    r"\b(?:achiev\w+|obtain\w*|reach\w*|outperform\w*|improv\w+|surpass\w*|exceed\w*|attain\w*|yield\w*"
    r"|score[sd]?|scoring|reduc\w+|decreas\w+|increas\w+"
    r"|gain\w*|drop\w*|beat\w*|report\w*|show\w*|result\w*|perform\w*|compared|versus|than|from .{1,20} to)\b",
    re.I,
)
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
METHOD = re.compile(
    r"^(?!In (?:Section|Fig|Table|Appendix)).*\bwe (?:\w+ )?(?:propose|introduce|present|develop"
    r"|design)(?:ed)?\b(?! (?:in|results)\b)"
    r"|\b(?:this paper|this work|this article) (?:proposes|introduces|presents|investigates|develops)\b"
    r"|\bour (?:method|approach|model|algorithm|framework) (?:uses|consists|combines|extends|builds)\b",
    re.I,
)
LIMITATION = re.compile(
    r"\blimitations? (?:of|is|are)\b|\bour (?:\w+ )?limitations?\b|\blimited (?:to|by)\b|\b(?:we|our \w+|it|this \w+)"
    r" (?:do|does|did|could|can) not (?:consider|address|evaluate|test|account|explore|include|handle|cover"
    r"|study|examine"
    r"|scale|generali[sz]e)\b|\bshortcomings?\b|\bdrawbacks?\b|\bcaveats?\b|\bremains? (?:unclear|unknown|a challenge"
    r"|challenging)\b|\b(?:may|might) not (?:generali[sz]e|hold|apply|scale)\b|\bthreats? to validity\b"
    r"|\bonly (?:evaluate|test|consider|study|examine)d?\b|\bunable to\b"
    r"|\bresource (?:limit|constrain)"
    r"|\bfails? to\b",
    re.I,
)
OWN_LIMIT = re.compile(
    r"\b(?:we|our)\b[^.]{0,60}\b(?:limit|unable|only|not|fails?|drawback|shortcoming|caveat)"
    r"|\blimitations? of (?:our|this"
    r" (?:work|study|paper|method|approach))|\b(?:our|this) (?:work|study|paper|method|approach|model"
    r"|analysis)\b[^.]{0,80}"
    r"\b(?:limited|fails?|cannot|not)\b|^(?:one|another|a|the) (?:\w+ )?limitation of (?:our|this|the proposed)",
    re.I,
)
"""A limit of the paper's own, said outside of the sections where papers speak of their limits."""
FUTURE = re.compile(
    r"\bfuture (?:work|research|studies|directions?|investigations?|experiments?)\b|\bin (?:the )?future,"
    r"|\bwe (?:\w+ )?(?:plan"
    r"|intend|leave)\b|\bwe hope (?:to|that)\b|\b(?:we|will|could|can|should)\b[^.]{0,60}\bin (?:the )?future\b|\bleave"
    r" (?:\w+ ){0,6}(?:for|to) future\b|\bwould be (?:\w+ )?(?:interesting|worthwhile|valuable|useful) to\b"
    r"|\bremains? to be"
    r" (?:seen|explored|studied|investigated)\b|\bremains? an open\b|\bfurther (?:research|work|investigation|study)\b",
    re.I,
)
NO_FUTURE = re.compile(
    r"\bSection \d|\b(?:facilitate|support|enable|encourage|foster)s? (?:further|future)|\bplan(?:s|ned)? (?:of"
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
    "training steps": r"(?:training |gradient |update |warm-?up )?(?:steps|iterations|updates)",
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
KNOWN_DATA = re.compile(
    r"\b(?:CIFAR-?100(?!0)|CIFAR-?10(?!0)|ImageNet(?:-\w+)?|(?:Fashion-?|E|K)?MNIST|SVHN|STL-10|COCO|PASCAL VOC"
    r"|ADE20K|Cityscapes|KITTI|CelebA|LSUN|FFHQ|UCF-?101|Kinetics(?:-\d+)?"
    r"|GLUE|SuperGLUE|SQuAD(?: ?[12]\.\d)?|MultiNLI|MNLI|QQP|WNLI|SST-2|QNLI|RTE|CoLA|MRPC|STS-B|IMDB|AG ?News"
    r"|Yelp|TREC"
    r"|CoNLL-?20\d\d|WMT ?'?\d{2,4}|WikiText-?\d*|Penn Treebank|enwik8|text8|LAMBADA|PTB"
    r"|C4|The Pile|OpenWebText|BookCorpus|Common ?Crawl|RedPajama|MMLU(?:-Pro)?|GSM8K|MATH|HumanEval\+?|MBPP\+?"
    r"|HellaSwag|ARC-(?:e|c|Easy|Challenge)|BBH|BIG-bench|TruthfulQA|TriviaQA|NaturalQuestions|HotpotQA|BoolQ"
    r"|PIQA|WinoGrande|LiveCodeBench|SWE-[Bb]ench|CMMLU|C-Eval"
    r"|LibriSpeech|VoxCeleb|AudioSet|MovieLens|Cora|Citeseer|PubMed|OGB\w*|QM9|ZINC|MuJoCo|Atari|D4RL|TSPLIB"
    r"|TinyShakespeare|Shakespeare|SciFact|CORD-19|FEVER|Adult|Iris|MIMIC-(?:III|IV)|CheXpert|S2ORC|GROTOAP2"
    r"|PubTables)\b"
)
MODEL = re.compile(
    r"\b(?:[A-Z][\w]*(?:Net|BERT|GAN|Former|former|VAE|LSTM|GPT|LM|MLP|CNN|RNN|GNN|ViT|Coder|Prop|Mage|Parse"
    r"|Style|Graph)(?:[-‑][\w.]+)*|GPT-?\d\w*(?:[-.]\w+)*|BERT(?:-\w+)?|RoBERTa(?:-\w+)?|ResNet-?\d*|DenseNet(?:-\w+)*"
    r"|VGG-?\d*|LSTM|GRU|Transformer|T5(?:-\w+)?|LLaMA-?\d?(?:-\w+)?|Llama[- ]?\d(?:\.\d)?(?:-\w+)*|Qwen[\w.-]*"
    r"|Mistral[\w.-]*|Claude[\w .-]{0,12}|DeepSeek[\w.-]*|XGBoost|Random Forests?|SVM|logistic regression|AdamW?"
    r"|SGD|Muon)\b"
)
CITED = re.compile(
    r"\b(?:et al\.?|prior work|previous work|they|their)\b|\((?:[A-Z][^()]*)?(?:19|20)\d\d[a-z]?\)"
    r"|\[\d+(?:[,–-] ?\d+)*\]",
    re.I,
)
"""The sentence speaks of somebody else's work, or may."""
SKIP = re.compile(
    r"(?:references?|bibliography|acknowledg|author contrib|related works?|background|.*checklist|ethic)", re.I
)
