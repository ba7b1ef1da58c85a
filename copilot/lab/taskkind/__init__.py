"""What kind of task a data folder holds, and which bundled prototype and arms fit it. No language model in it.

Belongs here: looking at files and wording (`describe`), the catalogue of kinds (`choose`), and laying out a workspace
for one of them (`prepare`). Does not belong here: running, grading or judging anything. `kit/` travels with the script.
"""

from copilot.lab.taskkind.choose import FOLDER, Candidate, Choice, choose, mark_starter, prepare, starter_of
from copilot.lab.taskkind.describe import TaskKind, describe, why_not

__all__ = [
    "FOLDER",
    "Candidate",
    "Choice",
    "TaskKind",
    "choose",
    "describe",
    "mark_starter",
    "prepare",
    "starter_of",
    "why_not",
]
