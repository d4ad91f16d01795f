{# What all of envkit's images share. A template of your own extends it and fills blocks: see docs/images.md. #}
{% macro declared() %}
{% for each in image.build_args %}
ARG {{ each|variable }}
{% endfor %}
{% endmacro %}
{# Secrets are files for as long as a step runs; no layer keeps them. #}
{% macro secret_mounts() %}
{% for id, target in image.secrets.items() %}
--mount=type=secret,id={{ id|field }},target={{ target|field }},required=true \
    {%+ endfor %}
{% endmacro %}
{% macro secret_variables() %}
{% if "netrc" in image.secrets %}
NETRC={{ image.secrets["netrc"]|shell }} \
      {%+ endif %}
{% if "client-cert" in image.secrets %}
PIP_CLIENT_CERT={{ image.secrets["client-cert"]|shell }} SSL_CLIENT_CERT={{ image.secrets["client-cert"]|shell }} \
      {%+ endif %}
{% endmacro %}
{# Beside a wheel from a folder uv writes down when that file was made: two builds of the same would differ in it. #}
{% macro forget_times(prefix) %}
find {{ prefix|shell }} -path '*.dist-info/uv_cache.json' -delete \
 && find {{ prefix|shell }} -path '*.dist-info/RECORD' -exec sed -i '/\.dist-info\/uv_cache\.json,/d' {} + \
{%- endmacro %}
{% macro install_of_ours(folder) %}
/opt/uv/bin/uv pip install --no-config --no-cache --offline --no-deps --compile-bytecode \
      --python {{ image.env_python|shell }} --prefix /build/prefix {{ folder|shell }}/*.whl \
 && {{ forget_times("/build/prefix") }}
 && rm -f /build/prefix/.lock
{%- endmacro %}
# Written by envkit from the template {{ image.template|field }}.
FROM {{ image.base|reference }} AS base
{{ declared() }}# The base may have chosen a user who may not install; the last stage ends with one who is not root.
# hadolint ignore=DL3002
USER 0:0
{% if image.has_ca %}
# The authorities of your network, beside those that the base trusts; before the first step that needs the network.
COPY ca/ca.crt /opt/ca/ca.crt
RUN for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt \
      /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem /dev/null; do \
      if [ -e "$bundle" ]; then break; fi; \
    done \
 && { cat "$bundle"; echo; cat /opt/ca/ca.crt; } > /opt/ca/bundle.crt
ENV SSL_CERT_FILE=/opt/ca/bundle.crt \
    PIP_CERT=/opt/ca/bundle.crt \
    REQUESTS_CA_BUNDLE=/opt/ca/bundle.crt \
    CURL_CA_BUNDLE=/opt/ca/bundle.crt
{% endif %}
{% block system %}{% endblock %}

# Third parties' packages. Nothing is resolved: all addresses and hashes are written out, uv's own among them.
# venv would say only that ensurepip failed, and keep for itself why: a disk that is full, say.
# The lock that uv leaves behind is one that anybody may write.
FROM base AS packages
{{ declared() }}WORKDIR /build
COPY packages/uv.txt packages/uv.txt
{% if image.has_local_wheels %}
COPY packages/wheels/ packages/wheels/
{% endif %}
RUN {{ secret_mounts() }}{{ image.interpreter|shell }} -I -m venv --without-pip /opt/uv \
 && /opt/uv/bin/python -I -m ensurepip --default-pip \
 && {{ secret_variables() }}/opt/uv/bin/python -I -m pip install --no-cache-dir --no-input \
      --disable-pip-version-check --no-deps --require-hashes --requirement packages/uv.txt
COPY packages/pylock.toml packages/pylock.toml
{% if image.is_buildkit %}
RUN {{ secret_mounts() }}--mount=type=cache,id=envkit-uv,target=/var/cache/uv,sharing=locked \
    /opt/uv/bin/uv venv --no-config --no-python-downloads --python {{ image.interpreter|shell }} \
      {{ image.prefix|shell }} \
 && {{ secret_variables() }}/opt/uv/bin/uv pip install --no-config --preview-features pylock \
      --cache-dir /var/cache/uv --link-mode copy \
{% else %}
RUN /opt/uv/bin/uv venv --no-config --no-python-downloads --python {{ image.interpreter|shell }} \
      {{ image.prefix|shell }} \
 && /opt/uv/bin/uv pip install --no-config --preview-features pylock --no-cache \
{% endif %}
      --python {{ image.env_python|shell }} --requirements packages/pylock.toml \
 && {{ forget_times(image.prefix) }}
 && rm -f {{ (image.prefix ~ "/.lock")|shell }}
{% if "warm.py" in image.files %}
# What a run imports is compiled here, once, and not by every container anew.
COPY files/warm.py files/warm.py
RUN {{ [image.env_python, "-I", "files/warm.py"]|shell_words }}
{% endif %}
{% block packages %}{% endblock %}

# envkit and the plugins: small, and each in a layer of its own, so that a change in one installs nothing else anew.
FROM packages AS host
{{ declared() }}COPY host/ host/
RUN {{ install_of_ours("host") }}
{% if image.tasks %}

FROM packages AS plugins
{{ declared() }}COPY plugins/ plugins/
RUN {{ install_of_ours("plugins") }}
{% endif %}

FROM base AS image
{{ declared() }}# Lines are added for ids that the base does not know; not every base has useradd.
RUN { grep -q '^[^:]*:[^:]*:{{ image.group_id }}:' /etc/group \
      || echo {{ (image.user ~ ":x:" ~ image.group_id ~ ":")|shell }} >> /etc/group; } \
 && { grep -q '^[^:]*:[^:]*:{{ image.user_id }}:' /etc/passwd \
      || echo {{ (image.user ~ ":x:" ~ image.user_id ~ ":" ~ image.group_id ~ "::" ~ image.home ~ ":/bin/sh")|shell }} >> /etc/passwd; } \
 && mkdir -p {{ [image.home, image.work_dir]|shell_words }} \
 && chown {{ image.user_id }}:{{ image.group_id }} {{ [image.home, image.work_dir]|shell_words }}
COPY --from=packages {{ [image.prefix ~ "/", image.prefix ~ "/"]|paths }}
{% if image.has_model %}
COPY {{ ["model/", image.model_dir ~ "/"]|paths }}
{% endif %}
COPY --from=host {{ ["/build/prefix/", image.prefix ~ "/"]|paths }}
{% if image.tasks %}
COPY --from=plugins {{ ["/build/prefix/", image.prefix ~ "/"]|paths }}
{% endif %}
COPY {{ ["lock/envkit.lock", image.prefix ~ "/envkit.lock"]|paths }}
{% block files %}{% endblock %}
ENV HOME={{ image.home|word }} \
    PATH={{ (image.prefix ~ "/bin")|word }}:$PATH
{% if image.variant.startswith("cu") %}
# What NVIDIA's runtime is to lend of the driver, where the container gets a GPU.
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility
{% endif %}
{% block environment %}{% endblock %}
WORKDIR {{ image.work_dir|word }}
USER {{ image.user_id }}:{{ image.group_id }}
# The image is proved as the user that it runs as: an image that cannot import what it is for is none.
RUN {{ [image.env_python, "-I", "-B", "-m", "envkit.worker.image_proof"]|exec_form }}
STOPSIGNAL SIGTERM
{% block entry required %}{% endblock %}
{% if image.labels %}
LABEL {% for key, text in image.labels.items() %}
{% if not loop.first %}
 \
      {%+ endif %}
{{ key|label_name }}={{ text|word }}{% endfor %}

{% endif %}
