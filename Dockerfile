# One image for web, worker and scheduler (docker-compose.yml). Runs as user 10001, and on a
# read-only root: it writes to /app/var and /tmp only.
#
# A tag can be moved. To pin by digest:
#   docker build --build-arg PYTHON_IMAGE=python:3.13-slim-bookworm@sha256:…
ARG PYTHON_IMAGE=python:3.13-slim-bookworm

FROM ${PYTHON_IMAGE} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
RUN python -m venv .venv
COPY requirements.txt ./
# Every version has its hash in that file, and no package is built here: no compiler is needed.
RUN .venv/bin/pip install --require-hashes --only-binary :all: -r requirements.txt \
    && .venv/bin/pip uninstall --yes pip \
    && find .venv -name '__pycache__' -prune -exec rm -rf {} +

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="payments-api" \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 payments \
    && useradd --uid 10001 --gid payments --no-create-home --home-dir /app --shell /usr/sbin/nologin payments
WORKDIR /app
COPY --from=packages /app/.venv .venv
COPY wsgi.py requirements.txt openapi.json ./
COPY migrations migrations
COPY jobs jobs
COPY payments payments
# What the .env of `make run` names. Yours: FROM payments-api, and COPY of your modules.
COPY examples/handlers.py examples/
RUN .venv/bin/python -m compileall -q -j 0 wsgi.py jobs migrations payments .venv/lib \
    && install -d -m 0700 -o payments -g payments var
ENV PATH=/app/.venv/bin:$PATH \
    FLASK_SKIP_DOTENV=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    APP_HOST=0.0.0.0 \
    APP_PORT=8065 \
    VAR_DIR=/app/var
USER 10001:10001
VOLUME /app/var
EXPOSE 8065
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-m", "payments.serving.alive"]
CMD ["python", "-m", "payments.serving.web"]
