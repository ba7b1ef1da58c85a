# The app in an image; the same file is the Hugging Face Space (user 1000, port 7860, no privileges): docs/space.md.
# EXTRA=ml adds torch, transformers and sentence-transformers; TORCH says which wheels of torch: cpu, or another name
# that uv knows (cu126, rocm6.3, ...), or pip for whatever pip finds (on Linux: with CUDA).
ARG BASE=python:3.11-slim-bookworm

# Dependencies in a stage of their own: a change of the source does not install them again.
FROM ${BASE} AS dependencies
ARG EXTRA=core
ARG TORCH=cpu
ENV PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore UV_NO_CACHE=1
RUN [ "$EXTRA" = core ] || [ "$TORCH" = pip ] || pip install --quiet --break-system-packages uv
WORKDIR /home/user/app
COPY pyproject.toml constraints.txt ./
COPY scripts/setup.sh scripts/
COPY copilot/__init__.py copilot/
RUN touch README.md LICENSE && . scripts/setup.sh && setup_environment "$EXTRA"
# Some packages bring files that only a newer Python can compile.
RUN .venv/bin/python -m compileall -qq .venv || true

FROM ${BASE}
RUN apt-get update && apt-get install -y --no-install-recommends bubblewrap tini && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 user
WORKDIR /home/user/app
# The program belongs to root: what runs in here can change runs, never the program that judges them.
COPY --from=dependencies /home/user/app/.venv .venv
COPY . .
RUN .venv/bin/python -m compileall -q copilot && install -d -o user -g user /data
# Who opens a port to others has visitors. A server for one person says so: COPILOT_SHARED=0 (container.sh does).
ENV COPILOT_SHARED=1
# A Space mounts its storage at /data; what is kept is below it.
ENV PATH=/home/user/app/.venv/bin:$PATH HOME=/home/user COPILOT_HOME=/home/user/app COPILOT_LOGS=/data/logs \
    COPILOT_CACHE=/data/logs/.cache HF_HOME=/data/logs/.cache/huggingface
USER user
EXPOSE 7860
ENTRYPOINT ["tini", "--", "sh", "scripts/start.sh"]
CMD ["copilot", "ui", "--port", "7860", "--address", "0.0.0.0", "--headless"]
