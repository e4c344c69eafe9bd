# One image for every process; the command decides which one it is.

FROM python:3.13-slim-trixie AS build
WORKDIR /build
COPY requirements.lock ./
# Every file is checked against the lock's hashes here; what follows sees nothing but these files.
RUN python3 -m pip wheel --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock -w wheels
COPY pyproject.toml README.md LICENSE ./
COPY chassis chassis
COPY services services
COPY gateway gateway
COPY client client
COPY cli cli
COPY embedded embedded
RUN python3 -m venv /app \
 && /app/bin/pip install --no-cache-dir --disable-pip-version-check --no-index --find-links wheels setuptools \
 && /app/bin/pip install --no-cache-dir --disable-pip-version-check --no-index --find-links wheels \
      --no-build-isolation . \
 && /app/bin/pip uninstall -q -y setuptools pip

FROM python:3.13-slim-trixie
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin microtasks
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER microtasks
WORKDIR /app
ENTRYPOINT ["microtasks"]
CMD ["--help"]
