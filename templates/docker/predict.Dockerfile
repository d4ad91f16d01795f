{# An image that answers: standard input where that is a pipe or a file, else HTTP. #}
{% extends "envkit/base.Dockerfile" %}
{% block entry %}
EXPOSE {{ image.port }}
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 \
    CMD {{ [image.env_python, "-I", "-m", "envkit.worker.healthy", "--port", image.port]|exec_form }}
ENTRYPOINT {{ [image.env_python, "-I", "-u", "-m", "envkit.worker.serve", "--model", image.model_dir, "--port", image.port]|exec_form }}
{% endblock %}
