"""How clauses tell a result from what stands beside it: comparisons, differences, ranges, settings, targets.

Patterns over a sentence, most of them for the words right before (`$`) or right after a number; `claim_results` applies
them.
"""

from __future__ import annotations

import re

CLAUSE = re.compile(
    r"[;:]\s|,\s(?!\d)|\s[—–]\s|[a-z]—[a-z]|\b(?:while|whereas|but|although|though|even though|and (?:on|for|by"
    r"|in|our|the|it|its))\b"
)
_GOES_ON = (
    r"(?:(?!,\s(?:achiev|reach|attain|obtain|yield|scor|improv|with|and|we|our|it|result|gett|provid"
    r"|giv)\w*)[^;]){0,130}$"
)
COMPARED = re.compile(
    r"\b(?:compared (?:to|with)|in (?:comparison|contrast) (?:to|with)|versus|vs\.?|against|unlike|except"
    r"|with respect to|relative to|instead of"
    r"|as opposed to)\s[^;,]{0,90}$"
    r"|\b(?:than|outperform\w*|surpass\w*|beat\w*|(?:previous|prior|existing|published|current|earlier"
    r"|recent)(?:ly)?\b|baselines?\b"
    r"|original(?:ly)?\b|reported|over|from|above the|below the)\s" + _GOES_ON,
    re.I,
)
COMPARED_WITH = re.compile(
    r"\b(?:than|compared (?:to|with)|in (?:comparison|contrast) (?:to|with)|versus|vs\.?|against|unlike|except"
    r"|relative to|instead of|outperform\w*"
    r"|surpass\w*|beat\w*|over|previous|prior|existing|baselines?)\s[^,;]{0,40}$",
    re.I,
)
"""Right before the name of what is only compared with."""
OTHERS = re.compile(
    r"^[^,;.]{0,30}\b(?:by|of|from|in) (?:the )?(?:[A-Z][\w-]+ (?:et al|and [A-Z]|\(?(?:19|20)\d\d)|previous"
    r"|prior|original)"
)
LABEL = re.compile(
    r"(?:Fig(?:ure)?s?\.?|Tab(?:le)?s?\.?|Sec(?:tion)?s?\.?|Eq(?:uation)?s?\.?|Appendix|Algorithm|Theorem|Lemma"
    r"|Step|Stage|Case|Chapter|Line"
    r"|Task|Level|Layer|Phase|Part|Type|Class|Group|Version|No|page|top-?|@|§|#|±|\+/-|\^|/)\s*\(?$",
    re.I,
)
SYMBOL = re.compile(r"(?:^|[\s(,])([A-Za-zα-ωΑ-Ω]\w{0,14})\s?[=<>≥≤≈∼~]\s?$")
COUNTED = re.compile(
    r"\s?(?:[MKkBT]\b|[mb]illion|thousand|hundred)|-\s?[a-zA-Z]|(?:st|nd|rd|th)\b|\s(?:\w+ ){0,1}(?:epochs?"
    r"|steps?|iterations?|layers?|runs?|seeds?|images?|samples?"
    r"|examples?|tasks?|datasets?|models?|classes|times|games|parameters?|bits?|days?|people|users|tokens?"
    r"|questions?|sentences?|heads?|hours?"
    r"|words?|shots?|annotators?|GPUs?|domains?|languages?|cases?|experiments?|benchmarks?|metrics?|methods?"
    r"|items?|instances?|categories)\b"
    r"|\s?[×x]\s?\d|\s?(?:out )?of (?:the )?\d"
)
SHARE = re.compile(
    r"\s?(?:%|percent) (?:of (?:the|all|our|its|cases|data|examples|samples|training|labels|parameters|tokens)\b"
    r"|fewer|less|more (?!accura)|faster|slower|cheaper"
    r"|smaller|larger|sparsity|dropout|of\b(?! (?:accura|error|AUC|F1)))|\s?% (?:confidence|CI\b|train"
    r"|test\b(?! (?:acc|err))|significan|level|interval|threshold|label)"
)
MORE = re.compile(r"\s?(?:×|x|times|%|percent)? ?(?:faster|slower|less|fewer|cheaper|smaller|larger|bigger)\b")
TARGET = re.compile(
    r"\b(?:(?:steps?|epochs?|time|iterations?|examples?|needed|required|used|takes?|in order|necessary"
    r"|taken) to(?: \w+)?|(?<!able )(?<!us )to (?:reach|achieve|attain|obtain|match)\b|until|require[sd]?"
    r"|target\w*"
    r"|threshold\w*|barrier|beyond|assum\w+|chance|would|could|might|should|\bif|when|set to|set at|fixed (?:to"
    r"|at)|at which|defin\w*|clip\w*|cannot|never|not|fail\w*|random(?:ly)?"
    r"|guess\w*|than|discount\w*|given|where|suppose|e\.g\.|least|optimal|maximum of|minimum of|out of|scale of"
    r"|rang\w+)(?!\w)[^,;]{0,40}$",
    re.I,
)
RANGE_AFTER = re.compile(r"\s?[%x×]?\s?(?:[-−–—∼~]+|to|and(?= ?\d[^ ]* (?:points?)))\s?[-+−]?\d")
RANGE_BEFORE = re.compile(
    r"(?:\d\s?[%x×]?\s?[-–—∼~]+\s?|\bbetween\s[^,;]{0,25}|(?<!from )(?<![\d.])\d[\d.,]*\s?[%x×]?\sto\s)$"
)
FROM = re.compile(r"\bfrom\s(?:an?\s|the\s|about\s|around\s)?(?:\w+\s){0,3}$", re.I)
FROM_TO = re.compile(
    r"\bfrom\s[^;]{1,40}?\d[^\s;]*\s?(?:%|points?)?\s?(?:\([^()]*\)\s?)?to\s(?:about |around |nearly |only )?$", re.I
)
TIE = re.compile(
    r"(?:^|\b(?:of|to|is|was|are|were|be|at|by|with|reach\w*|achiev\w*|attain\w*|obtain\w*|yield\w*|equals?"
    r"|rise\w*|improv\w*|increas\w*|drop\w*|decreas\w*|fall\w*|fell|got|gets?)\s|[=:(]|\s[≈∼~]\s?)"
    r"(?:only |just |about |around |approximately |nearly |almost |roughly |over |up to |merely |as (?:high"
    r"|low) as |a mere |an? |∼|~|≈|\+)?\s*\(?$"
)
BETWEEN = re.compile(r"\s*(?:\((?!\d)|)(?:[A-Za-z][\w'/-]*\s+){0,5}")
STOP = re.compile(
    r"\b(?:and|or|with|than|to|at|by|for|from|which|when|where|while|using|on|compared|versus|but|as|is|was|are"
    r"|were|that|the (?!\w+ $)|its|after|between|per|across|over)\b"
)
DIFFERENCE_AFTER = re.compile(
    r"\s?(?:%|percentage points?|percent|points?|pp\b|pts?\b|×|x\b)?\)?\s(?:\w+[ -]){0,4}?(?:improvements?"
    r"|gains?|increases?|reductions?|drops?|decreases?|higher|lower|better|worse"
    r"|above|below|away|relative|absolute|boosts?|degradations?|advantage|gap|loss (?:in|of)|more|over"
    r"|differences?|decline|margin|of the (?:best|state))\b"
)
DIFFERENCE_BEFORE = re.compile(
    r"(?:\bby(?: at (?:least|most))?(?: \w+){0,3}|\b(?:improvements?|gains?|increases?|reductions?|drops?"
    r"|decreases?|boosts?|differences?|degradations?|gaps?|margins?|advantage|decline)\b[^,;\d]{0,45}\b(?:of|is"
    r"|by)(?: \w+){0,3}"
    r"|\b(?:drop\w*|gain\w*|los[et]s?|improv(?:es|ed|ing)|increas(?:es|ed)|(?:decreas|reduc)(?:es|ed|ing)|within"
    r"|differ(?:s|ed|ences?)?\b[^,;\d]{0,30})(?: \w+)?|\+)\s?\(?$",
    re.I,
)
JOINED = re.compile(r"[-+−]?\d[\d.]*\s?(?:%|points?)?\s(?:[A-Z][\w@-]*\s?|\w+\s){0,3}(?:,|,? and)\s$")
"""A number before this one in the same list: what leads to it leads to this one."""
LEVEL_TO = re.compile(r"\bto(?: \w+)?\s?\(?$")
AS_SUBJECT = re.compile(
    r"\s?(?:\([^()]*\)\s?)?(?:\[[\d, ]+\]\s?)?(?:\w+ly\s|also\s|still\s|can\s)?(?:achiev|obtain|reach|attain"
    r"|scor|yield|get|got|perform|improv|show|has|have|had|gain|drop|set|deliver|produc|outperform|surpass"
    r"|exceed|increas|reduc)\w*\b"
)
AFTER = re.compile(
    r"(?:[^\d,;]|(?<=[\w-])\d){0,45}?\b(?:for|by|with|using|on|in|of|over)\s(?:the\s"
    r"|our\s)?(?:\w+\s)?(?:challenging\s)?$"
)
PLAIN_WORDS = r"\b(?:the|of|an?|in|on|to|and|is|by|with|for|we|that|our|than|it|as|from|at)\b"
EARLIER = re.compile(
    r"\b(?:previous|prior|earlier|recent) (?:\w+ )?(?:works?|research|stud\w+|papers?|literature)\b[^;]*$"
    r"|\b(?-i:[A-Z])\w+ reports\b[^;]*$",
    re.I,
)
NEXT = re.compile(
    r"\s?(?:\[[\d, ]+\]\s?|\([^()]*\)\s?)?(?:,|,? and|/|,? or|&)\s?(?:the\s|on\s|in\s|for\s)?",
)
"""What stands between two names of a list."""
