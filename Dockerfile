# One image for every service of docker-compose.yml. All requirements are wheels: no compiler is needed.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /app
COPY requirements.txt .
RUN pip install -r requirements.txt && python -m compileall -q /usr/local/lib/python3.11/site-packages

# DATA_DIR holds what may be lost with the container: static files and beat's schedule. Bars are in PostgreSQL.
ENV DATA_DIR=/app/var WEB_HOST=0.0.0.0
COPY manage.py ./
COPY scanner_project scanner_project
COPY scanner_app scanner_app
COPY docs/runbook docs/runbook
RUN useradd --system --uid 10001 --home-dir /app scanner \
 && SECRET_KEY=only-while-building python manage.py collectstatic --no-input --verbosity 0 \
 && mkdir -p /app/var/metrics && chown -R scanner /app/var
USER scanner

EXPOSE 8000 5555
CMD ["gunicorn", "scanner_project.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "16", "--preload", "--graceful-timeout", "5", "--no-control-socket"]
