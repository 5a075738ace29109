# The server of `subpixel serve`. Build: docker build -t subpixel .
FROM python:3.12-slim-bookworm AS build

# The compiler's version is that of Debian's release.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
# The version of a release is that of its tag, and there is no git here: --build-arg gives it.
ARG SETUPTOOLS_SCM_PRETEND_VERSION_FOR_SUBPIXEL
WORKDIR /source
COPY . .
RUN python -m venv /opt/subpixel \
    && /opt/subpixel/bin/pip install --no-cache-dir --constraint constraints.txt ".[web]"

FROM python:3.12-slim-bookworm

RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin subpixel \
    && install --directory --owner subpixel --mode 700 /data
COPY --from=build /opt/subpixel /opt/subpixel
ENV PATH=/opt/subpixel/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8765
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-c", \
    "import urllib.request as r; r.urlopen('http://127.0.0.1:8765/readyz', timeout=4)"]
# SUBPIXEL_TOKEN must be set: other machines can reach a container.
ENTRYPOINT ["subpixel", "serve", "--host", "0.0.0.0", "--port", "8765", "--data", "/data"]
