# Written by envkit from the template task.
FROM python:3.11-slim-bookworm AS base
# The base may have chosen a user who may not install; the last stage ends with one who is not root.
# hadolint ignore=DL3002
USER 0:0

# Third parties' packages. Nothing is resolved: all addresses and hashes are written out, uv's own among them.
# venv would say only that ensurepip failed, and keep for itself why: a disk that is full, say.
# The lock that uv leaves behind is one that anybody may write.
FROM base AS packages
WORKDIR /build
COPY packages/uv.txt packages/uv.txt
RUN --mount=type=secret,id=netrc,target=/root/.netrc,required=true \
    /usr/local/bin/python3.11 -I -m venv --without-pip /opt/uv \
 && /opt/uv/bin/python -I -m ensurepip --default-pip \
 && NETRC=/root/.netrc \
      /opt/uv/bin/python -I -m pip install --no-cache-dir --no-input \
      --disable-pip-version-check --no-deps --require-hashes --requirement packages/uv.txt
COPY packages/pylock.toml packages/pylock.toml
RUN --mount=type=secret,id=netrc,target=/root/.netrc,required=true \
    --mount=type=cache,id=envkit-uv,target=/var/cache/uv,sharing=locked \
    /opt/uv/bin/uv venv --no-config --no-python-downloads --python /usr/local/bin/python3.11 \
      /opt/envkit \
 && NETRC=/root/.netrc \
      /opt/uv/bin/uv pip install --no-config --preview-features pylock \
      --cache-dir /var/cache/uv --link-mode copy \
      --python /opt/envkit/bin/python --requirements packages/pylock.toml \
 && find /opt/envkit -path '*.dist-info/uv_cache.json' -delete \
 && find /opt/envkit -path '*.dist-info/RECORD' -exec sed -i '/\.dist-info\/uv_cache\.json,/d' {} + \
 && rm -f /opt/envkit/.lock
# What a run imports is compiled here, once, and not by every container anew.
COPY files/warm.py files/warm.py
RUN /opt/envkit/bin/python -I files/warm.py

# envkit and the plugins: small, and each in a layer of its own, so that a change in one installs nothing else anew.
FROM packages AS host
COPY host/ host/
RUN /opt/uv/bin/uv pip install --no-config --no-cache --offline --no-deps --compile-bytecode \
      --python /opt/envkit/bin/python --prefix /build/prefix host/*.whl \
 && find /build/prefix -path '*.dist-info/uv_cache.json' -delete \
 && find /build/prefix -path '*.dist-info/RECORD' -exec sed -i '/\.dist-info\/uv_cache\.json,/d' {} + \
 && rm -f /build/prefix/.lock

FROM packages AS plugins
COPY plugins/ plugins/
RUN /opt/uv/bin/uv pip install --no-config --no-cache --offline --no-deps --compile-bytecode \
      --python /opt/envkit/bin/python --prefix /build/prefix plugins/*.whl \
 && find /build/prefix -path '*.dist-info/uv_cache.json' -delete \
 && find /build/prefix -path '*.dist-info/RECORD' -exec sed -i '/\.dist-info\/uv_cache\.json,/d' {} + \
 && rm -f /build/prefix/.lock

FROM base AS image
# Lines are added for ids that the base does not know; not every base has useradd.
RUN { grep -q '^[^:]*:[^:]*:1000:' /etc/group \
      || echo envkit:x:1000: >> /etc/group; } \
 && { grep -q '^[^:]*:[^:]*:1000:' /etc/passwd \
      || echo envkit:x:1000:1000::/home/envkit:/bin/sh >> /etc/passwd; } \
 && mkdir -p /home/envkit /work \
 && chown 1000:1000 /home/envkit /work
COPY --from=packages ["/opt/envkit/", "/opt/envkit/"]
COPY --from=host ["/build/prefix/", "/opt/envkit/"]
COPY --from=plugins ["/build/prefix/", "/opt/envkit/"]
COPY ["lock/envkit.lock", "/opt/envkit/envkit.lock"]
ENV HOME="/home/envkit" \
    PATH="/opt/envkit/bin":$PATH
# What NVIDIA's runtime is to lend of the driver, where the container gets a GPU.
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR "/work"
USER 1000:1000
# The image is proved as the user that it runs as: an image that cannot import what it is for is none.
RUN ["/opt/envkit/bin/python", "-I", "-B", "-m", "envkit.worker.image_proof"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 \
    CMD ["/opt/envkit/bin/python", "-I", "-m", "envkit.worker.healthy"]
ENTRYPOINT ["/opt/envkit/bin/python", "-I", "-u", "-m", "envkit.worker.alone", "ner"]
LABEL org.opencontainers.image.title="envkit ner task" \
      envkit.tasks="ner" \
      envkit.lock.sha256="abababababababababababababababababababababababababababababababab" \
      envkit.torch.variant="cu126"
