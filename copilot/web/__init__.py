"""The server: the app and an HTTP interface beside it, in one process.

Belongs here: addresses, who may call them, bodies and their limits, errors as JSON, event streams, the OpenAPI
document. Does not: what a call does (`copilot.api`), what a guest may do (`copilot.hosting`), pages (`copilot.ui`).
"""
