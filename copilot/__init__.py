"""From a paper to a measured verdict: the model proposes, code measures and decides.

The rooms, top to bottom; a module imports only from rooms below its own (`tests/test_architecture.py`):

    cli, ui                                        what a person touches
    api                                            the one facade that both use
    engine                                         the phases of a run, in order
    agents                                         what asks a model: ideas, review, plan, experiment
    report                                         the journal as a text that a sceptic can check
    lab                                            workspace, protocol, trials, grading, verdict
    llm, sandbox, hub, paper, literature, memory   seams: where money, processes and network begin
    journal, state, runs, blobs                    the record and what it folds into
    events, config, domain, errors                 plain values

Importing the package does nothing and is cheap; heavy libraries are imported by the function that needs them.
"""

__version__ = "0.3.0"
