# syntax=docker/dockerfile:1
ARG BASE_IMAGE=python:3.13-slim-bookworm

FROM ${BASE_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements/build.txt requirements/service.txt requirements/
RUN python3 -m venv /opt/build \
 && /opt/build/bin/pip install --quiet --require-hashes -r requirements/build.txt \
 && python3 -m venv /opt/reconciler \
 && /opt/reconciler/bin/pip install --quiet --require-hashes -r requirements/service.txt
COPY pyproject.toml README.md LICENSE ./
COPY api_client api_client
COPY reconciler reconciler
RUN /opt/build/bin/pip wheel --quiet --no-build-isolation --no-deps --wheel-dir dist . \
 && /opt/reconciler/bin/pip install --quiet --no-index --no-deps dist/*.whl \
 && /opt/reconciler/bin/pip check \
 && /opt/reconciler/bin/python -m compileall -q /opt/reconciler/lib

FROM ${BASE_IMAGE}
# git and ssh read the sources, procps lets a hung git be ended with its children, tini reaps what they leave behind
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      ca-certificates git openssh-client procps tini >/dev/null \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 10001 reconciler \
 && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/reconciler --shell /usr/sbin/nologin reconciler \
 && install -d -o reconciler -g reconciler -m 0750 /var/lib/reconciler \
 && install -d -o reconciler -g reconciler -m 0700 /var/lib/reconciler/.ssh
COPY --from=build /opt/reconciler /opt/reconciler
ENV PATH=/opt/reconciler/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    RECONCILER_SERVER__HOST=0.0.0.0 \
    RECONCILER_SERVER__PORT=8080
USER reconciler
WORKDIR /var/lib/reconciler
VOLUME /var/lib/reconciler
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
  CMD ["python3", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['RECONCILER_SERVER__PORT']}/healthz\", timeout=4)"]
ENTRYPOINT ["tini", "--", "reconciler"]
CMD ["serve"]
