{# An image to fine-tune in: the task's options are the container's arguments. #}
{% extends "envkit/base.Dockerfile" %}
{% block entry %}
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 \
    CMD {{ [image.env_python, "-I", "-m", "envkit.worker.healthy"]|exec_form }}
{# Of several tasks, the container's first argument names one. #}
{% set one_task = image.tasks if image.tasks|length == 1 else () %}
ENTRYPOINT {{ ([image.env_python, "-I", "-u", "-m", "envkit.worker.alone"] + one_task|list)|exec_form }}
{% endblock %}
