"""Names in papers: data sets, models, and what the paper itself proposes.

Tells what a word may name, not what a number belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from copilot.paper.words import sentences

KNOWN_DATA = re.compile(
    r"(?<![\w-])(?:CIFAR-?100(?!0)(?:-C)?|CIFAR-?10(?!0)(?:-C)?|(?:Tiny[- ])?ImageNet(?:-(?:[A-Z0-9]\w*|v2|Real))?"
    r"|(?:Fashion-?|E|K|Q)?MNIST|SVHN|STL-?10"
    r"|(?:MS[- ]?)?COCO|PASCAL[- ]VOC(?: ?20\d\d)?|ADE20K|Cityscapes|(?:Semantic)?KITTI|nuScenes|CelebA(?:-HQ)?"
    r"|ILSVRC(?:-?20\d\d)?|LSUN|FFHQ|UCF-?101|HMDB-?51"
    r"|Kinetics(?:-\d+)?|Something-Something(?: ?[vV][12])?|iNaturalist|Places-?365|ShapeNet|ModelNet-?\d+"
    r"|ScanNet|LVIS|Flickr30[kK]|VQA ?v2(?:\.0)?"
    r"|(?:Super)?GLUE|SQuAD(?: ?v?[12]\.\d)?|MultiNLI|MNLI|SNLI|QQP|WNLI|SST-?[25]?|QNLI|RTE|CoLA|MRPC|STS-?B"
    r"|IMDB|AG ?News"
    r"|Yelp|TREC|CoNLL-?(?:20)?\d\d|OntoNotes|WMT[ -]?'?\d{2,4}|IWSLT[ -]?'?\d{2,4}|WikiText-?\d*|Penn Treebank"
    r"|enwik8|text8|LAMBADA|PTB|FLORES(?:-\d+)?"
    r"|CNN/Daily ?Mail|XSum|arXiv|BookCorpus|OpenWebText|(?<!\()C4|The Pile|Common ?Crawl|RedPajama|MMLU(?:-(?:Pro"
    r"|pro))?|GSM-?8[kK]|MATH(?:-?500)?"
    r"|HumanEval\+?|MBPP\+?|APPS|HellaSwag|ARC-(?:e|c|E|C|Easy|Challenge)|BBH|BIG-[Bb]ench|TruthfulQA|TriviaQA"
    r"|Natural ?Questions|NQ|HotpotQA|BoolQ"
    r"|PIQA|WinoGrande|OpenBookQA|CommonsenseQA|StrategyQA|SVAMP|AQuA|AIME(?: ?\d{4})?|GPQA|LiveCodeBench"
    r"|SWE-[Bb]ench(?: Lite| Verified)?|CMMLU|C-Eval|MT-Bench|AlpacaEval(?: ?2(?:\.0)?)?"
    r"|LibriSpeech|VoxCeleb\d?|VCTK|LJSpeech|AudioSet|AudioCaps|ESC-50|MusicCaps|MovieLens(?:-\w+)?|Cora"
    r"|Cite[sS]eer|PubMed|OGB[\w-]*|QM9|ZINC"
    r"|MuJoCo|Atari(?: 100k)?|D4RL|ProcGen|TSPLIB|(?:Tiny)?Shakespeare|SciFact|CORD-19|FEVER|MIMIC-(?:III|IV)"
    r"|CheXpert|S2ORC|GROTOAP2|PubTables"
    r"|BEIR|MS[- ]?MARCO|MTEB|Criteo|Avazu|50Salads|THUMOS-?14|ActivityNet|Charades|AVA)(?![\w])(?!\.\d)"
)
_DATA_WORD = (
    r"(?:data ?sets?|corpus|corpora|benchmarks?|test[- ]?sets?|dev(?:elopment)? sets?|validation sets?|val sets?"
    r"|leaderboard|challenge|suite|tasks?)"
)
_PROPER = r"[A-Z0-9][\w+./'-]*[A-Z0-9][\w+.-]*|[A-Z][\w+-]{2,}"
NAMED_DATA = re.compile(
    rf"\b(?:on|of|from|in|using|for|over) (?:the )?(?P<name>(?:{_PROPER})(?: (?:{_PROPER})){{0,2}}(?: ?v?\d(?:\.\d)?)?)"
    rf"(?: \([^()]{{1,60}}\)| ?\[[\d, ]+\])? (?:\w+ )?{_DATA_WORD}\b"
)
MODEL = re.compile(
    r"\b(?:[A-Z][\w]*(?:Net|BERT|GAN|Former|former|VAE|LSTM|GPT|LM|MLP|CNN|RNN|GNN|ViT|Coder|Prop|Mage|Parse"
    r"|Style|Graph|Diff|NeRF|Mamba|Formers)(?:[-‑+][\w.]+)*|GPT-?\d\w*(?:[-.]\w+)*|BERT(?:[-_]\w+)?"
    r"|RoBERTa(?:[-_]\w+)?|ResNet-?\d*|DenseNet(?:-\w+)*"
    r"|VGG-?\d*|LSTM|GRU|Transformer|T5(?:-\w+)?|LLa[mM][aA][- ]?\d?(?:\.\d)?(?:-\w+)*"
    r"|Llama[- ]?\d(?:\.\d)?(?:-\w+)*|Qwen[\w.-]*"
    r"|Mi[sx]tral[\w.-]*|Claude(?: ?[\d.]+)?(?: (?:Opus|Sonnet|Haiku)(?: [\d.]+)?)?|DeepSeek[\w.-]*"
    r"|Gemini[\w. -]{0,8}\d[\w.]*|XGBoost|Random Forests?|SVMs?"
    r"|logistic regression|AdamW?|SGD|Muon|ViT(?:-\w+)*|Swin(?:-\w+)?|CLIP|PaLM[\w-]*|Vicuna[\w.-]*|ChatGPT"
    r"|Codex|Bard)(?![\w])"
)
_LOOK = r"(?:[A-Z][\w]*[A-Z0-9][\w]*|[a-z]{1,3}[A-Z][\w]*|[A-Z]{2,})(?:[-+&][A-Z0-9][\w.]*)*\+*"
NAME = re.compile(rf"(?<![\w./-]){_LOOK}(?![\w])")
"""A word spelt as names of methods are: capitals or digits inside."""
_PROPOSED = re.compile(
    rf"\b(?:propos\w+|introduc\w+|present(?:s|ed|ing)?|develop(?:s|ed|ing)?|call(?:s|ed)?|nam(?:ed?|ing)"
    rf"|dub(?:bed)?|namely|term(?:ed)?|denoted?(?: as| by)?|refer\w* to\b[^.]{{0,40}}\bas"
    rf"|design(?:s|ed)?|our (?:proposed )?(?:method|model|approach|framework|system|algorithm|network"
    rf"|architecture)s?)\b,?\s"
    rf"(?:(?:a|an|the|it|this|our|new|novel|simple|method|model|approach|framework|system|algorithm|network|as"
    rf"|two|is)[,\s]+){{0,5}}[“\"'(]?(?P<name>{_LOOK})(?!-[a-z])"
)
_ABBREVIATED = re.compile(
    rf"\b(?:propos|introduc|present|develop|call|dub|term"
    rf"|nam)\w*\b[^.;]{{3,110}}?\((?:or )?[“\"']?(?P<name>{_LOOK}|[A-Z][a-z]{{3,}})[”\"']?(?:[,;][^()]*)?\)"
)
_SELF = re.compile(r"\b(?:we|our|this (?:paper|work|article|study)|herein)\b", re.I)
_COMMON = re.compile(
    r"(?:AI|ML|NLP|LLMs?|PLMs?|VLMs?|MLLMs?|LMs?|DNNs?|CNNs?|RNNs?|GNNs?|GANs?|MLPs?|VAEs?|LSTMs?|RL|DRL|RLHF"
    r"|SGD|GPUs?|CPUs?|TPUs?|NLI|QA|MT|NMT|ASR|TTS|IR|RAG|SFT|API|URL|PDF|UK|US|EU|II|III|IV"
    r"|GPT-?\d?\w*|ViTs?|ResNets?|3D|2D|1D|IID|OOD|SOTA|SoTA|KL|MSE|MAE|CV|IoT|NER|POS|UCI"
    r"|ICML|NeurIPS|ICLR|ACL|EMNLP|CVPR|IEEE|ACM|JSON|XML|SQL|HTML|CoT|KG|KGs|MCTS|FLOPs|AUC|ROC|BLEU|ROUGE|FID)"
)


def own_names(title: str, text: str = "") -> list[str]:
    """Names of what the paper proposes: of its title (before a colon, or spelt as no word is), and of sentences in
    `text` (abstract, introduction) that say "we propose X" or "a method called X"."""
    head, colon, _ = title.partition(":")
    words = re.findall(r"\b(?:[A-Z][a-z]+[A-Z]\w*|[A-Za-z]*[A-Z]{2,}[\w-]*)", title)
    if sum(word.isupper() and len(word) > 4 for word in words) > 1:
        words = []  # a title in capitals
    told = [
        m["name"]
        for sentence in sentences(text)
        if _SELF.search(sentence)
        for pattern in (_PROPOSED, _ABBREVIATED)
        for m in pattern.finditer(sentence)
        if not re.match(r"\s?(?:\[\d|\([A-Z][\w-]+ (?:et al|and|&)|\(?[A-Z]\w+ et al)", sentence[m.end() :])
    ]
    told += [name[:-1] for name in told if re.fullmatch(r"\w*[A-Za-z]s", name) and name[:-1] != name[:-1].lower()]
    names = [*([head.strip()] if colon and len(head.split()) <= 2 else []), *words, *told]
    return [
        name
        for name in dict.fromkeys(names)
        if not _COMMON.fullmatch(name) and not KNOWN_DATA.fullmatch(name) and len(name) > 1
    ]


@dataclass(frozen=True)
class Mention:
    """A name where a text has it."""

    start: int
    end: int
    name: str


def own_in(text: str, own: Sequence[str]) -> list[Mention]:
    """Where a text names what the paper proposes, with a suffix of it ("iGPT-L")."""
    return _apart(
        Mention(m.start(), m.end(), m.group())
        for name in own
        for m in re.finditer(rf"(?<![\w-]){re.escape(name)}(?:[-+][\w.+]*\w)?(?![\w])", text, re.I)
    )


def models_in(text: str, own: Sequence[str] = ()) -> list[Mention]:
    """Where a text names a model or a method, the paper's own among them."""
    others = [Mention(m.start(), m.end(), m.group()) for m in MODEL.finditer(text) if not KNOWN_DATA.match(m.group())]
    return _apart([*own_in(text, own), *others])


def data_in(text: str) -> list[Mention]:
    """Where a text names a data set: one that is known, or one that it calls so ("on the Wine corpus")."""
    known = [_whole(text, m) for m in KNOWN_DATA.finditer(text)]
    called = [Mention(*m.span("name"), m["name"]) for m in NAMED_DATA.finditer(text)]
    return _apart([*known, *(c for c in called if not MODEL.fullmatch(c.name))])


def _whole(text: str, known: re.Match[str]) -> Mention:
    """With what else belongs to the name ("Yelp-5")."""
    more = re.compile(r"(?:-[A-Z0-9][\w.]*\w|-\d)*").match(text, known.end())
    end = more.end() if more else known.end()
    return Mention(known.start(), end, text[known.start() : end])


def _apart(found: Iterable[Mention]) -> list[Mention]:
    """Left to right; of two that overlap the longer one."""
    out: list[Mention] = []
    for one in sorted(found, key=lambda m: (m.start, -m.end)):
        if not out or one.start >= out[-1].end:
            out.append(one)
        elif one.end - one.start > out[-1].end - out[-1].start:
            out[-1] = one
    return out
