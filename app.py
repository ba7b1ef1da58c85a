"""Entry point of the app: `streamlit run app.py`. Pages: `copilot.ui`; the server around them: `copilot.web`."""

import streamlit as st

from copilot.web import server

app = st.App(server.SCRIPT, **server.parts())
