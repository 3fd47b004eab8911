# One image for every service of docker-compose.yml. All requirements are wheels: no compiler is needed.
# By digest: docker compose build --build-arg PYTHON_IMAGE=python:3.11-slim@sha256:… (docs/operations.md)
ARG PYTHON_IMAGE=python:3.11-slim
FROM ${PYTHON_IMAGE}

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# As `make up` has them: less memory (scanner_project/up/programs.py).
ENV MALLOC_ARENA_MAX=2 OPENBLAS_NUM_THREADS=1

WORKDIR /app
COPY requirements.lock .
RUN pip install --require-hashes -r requirements.lock && python -m compileall -q /usr/local/lib/python3.11/site-packages

# DATA_DIR holds what may be lost with the container: static files, counters, Flower's history. Bars are in PostgreSQL.
ENV DATA_DIR=/app/var WEB_HOST=0.0.0.0
COPY manage.py ./
COPY scanner_project scanner_project
COPY scanner_app scanner_app
COPY docs/guarantees.md docs/guarantees.md
COPY docs/runbook docs/runbook
RUN useradd --system --uid 10001 --home-dir /app scanner \
 && SECRET_KEY=only-while-building-this-image-and-nowhere-else python manage.py collectstatic --no-input --verbosity 0 \
 && mkdir -p /app/var/metrics /app/var/calendars /app/var/flower && chown -R scanner /app/var
USER scanner

EXPOSE 8000 5555
CMD ["python", "-m", "scanner_project.web"]
