# Images of the commands (target jobs), the prediction service and the app.
# Linted by hadolint; NOT BUILT where the project is tested, because there is no Docker. docs/deploy.md
FROM python:3.11-slim-bookworm AS base
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    MLFLOW_DISABLE_TELEMETRY=true
RUN useradd --create-home --uid 10001 holdfast \
    && install -d -o holdfast -g holdfast /opt/holdfast /lake
WORKDIR /opt/holdfast

# Packages from the locks, with hashes, in a layer of their own: code changes more often.
FROM base AS served
COPY requirements.txt requirements-service.txt requirements-app.txt ./
RUN python -m venv .venv \
    && .venv/bin/python -m pip install --require-hashes -r requirements.txt \
        -r requirements-service.txt -r requirements-app.txt \
    && rm -rf .venv/lib/python3.11/site-packages/pyspark/jars
COPY --chown=holdfast . .

FROM served AS service
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD [".venv/bin/python", "-c", \
    "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health/live', timeout=3)"]
ENTRYPOINT [".venv/bin/python", "-c", "from jobs import main; main()", "serve"]
CMD ["--env", "prod", "--conf-dir", "/conf", "--host", "0.0.0.0"]

FROM served AS app
USER 10001
EXPOSE 8501
ENTRYPOINT [".venv/bin/python", "-m", "app"]
CMD ["--env", "prod", "--conf-dir", "/conf"]

# The commands need Java and Delta's JARs, which bin/setup copies beside pyspark.
FROM base AS jobs
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openjdk-17-jre-headless procps \
    && rm -rf /var/lib/apt/lists/*
COPY requirements-setup.txt requirements.txt ./
COPY bin bin
COPY conf conf
RUN bin/setup
COPY --chown=holdfast . .
USER 10001
ENTRYPOINT ["bin/holdfast"]
CMD ["--help"]
