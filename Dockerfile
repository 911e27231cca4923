# The web, a worker or beat: the command says which. docker-compose.yml shows all of them together.
#
# A release names its base by digest, so that it can be built again: docs/operations.md, "The image".
ARG PYTHON_IMAGE=python:3.13-slim
FROM ${PYTHON_IMAGE} AS packages

# requirements-telemetry.txt has those for traces and Sentry too. No file here has the embedded servers: PostgreSQL and
# Redis always run elsewhere.
ARG REQUIREMENTS=requirements.txt
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
COPY ${REQUIREMENTS} .
RUN /venv/bin/pip install --no-cache-dir --require-hashes --only-binary :all: --requirement ${REQUIREMENTS} \
    && /venv/bin/python -m compileall -q /venv


FROM ${PYTHON_IMAGE}

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/venv/bin:$PATH PORT=8000 POSTBACKS_DATA_DIR=/data
WORKDIR /app
# Workers note in /data what was answered and is not recorded yet.
RUN useradd --system --no-create-home postbacks && install --directory --owner postbacks --mode 700 /data
COPY --from=packages /venv /venv
COPY . .
RUN python -m compileall -q .
USER postbacks

EXPOSE 8000
# For the web server; containers that run another program need their own check.
HEALTHCHECK --interval=10s --timeout=6s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=5)"]
# exec replaces the shell, so that the server gets the signals.
CMD ["sh", "-c", "exec python -m front --host 0.0.0.0 --port $PORT"]
