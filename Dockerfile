# One image for every process; the command decides which one it is.

FROM python:3.13-slim-trixie AS build
WORKDIR /build
COPY requirements.lock ./
# Every file is checked against the lock's hashes here; what follows sees nothing but these files.
RUN python3 -m pip wheel --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock -w wheels
COPY pyproject.toml README.md LICENSE ./
COPY kit kit
COPY chassis chassis
COPY services services
COPY gateway gateway
COPY client client
COPY website website
COPY cli cli
COPY embedded embedded
RUN python3 -m venv /app \
 && /app/bin/pip install --no-cache-dir --disable-pip-version-check --no-index --find-links wheels setuptools \
 && /app/bin/pip install --no-cache-dir --disable-pip-version-check --no-index --find-links wheels \
      --no-build-isolation '.[mail]' \
 && /app/bin/pip uninstall -q -y setuptools pip

FROM python:3.13-slim-trixie
# Nothing is installed at run time, so nothing there can install.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin microtasks \
 && rm -rf /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/ensurepip /usr/local/bin/pip* \
      /usr/lib/python3/dist-packages/pip* /usr/bin/pip*
COPY --from=build /app /app
# These malloc settings return the memory of password hashing to the system, instead of caching it per thread.
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 METRICS_HOST=0.0.0.0 METRICS_PORT=9100 \
    MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=1048576
USER 10001
WORKDIR /app
# In bash alone: starting Python for each probe would cost more CPU than the idle service.
HEALTHCHECK --interval=3s --timeout=10s --retries=20 CMD ["bash", "-c", \
  "exec 3<>/dev/tcp/127.0.0.1/$METRICS_PORT && printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["microtasks"]
CMD ["--help"]
