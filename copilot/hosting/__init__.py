"""One server for many people: who a guest is, which runs are theirs, what they may ask for, and whose turn it is.

Belongs here: every rule that holds only while a server is shared. Does not: HTTP (`copilot.web`), pages (`copilot.ui`),
and anything that the batch command line or a server for one person needs. There nobody is a guest, and nothing of this
room is in the way.
"""
