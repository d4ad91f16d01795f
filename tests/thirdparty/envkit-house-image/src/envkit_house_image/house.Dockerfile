{# An image to fine-tune in, as envkit's own of the template `task`, with what the cluster of the house reads. #}
{% extends "envkit/base.Dockerfile" %}
{% block files %}
COPY files/cluster.json /etc/house/cluster.json
{% endblock %}
{% block environment %}
# Nodes have many cores, of which a job is given few.
ENV OMP_NUM_THREADS=4 \
    HOUSE_CLUSTER=/etc/house/cluster.json
{% endblock %}
{% block entry %}
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 \
    CMD {{ [image.env_python, "-I", "-m", "envkit.worker.healthy"]|exec_form }}
{# Of several tasks, the container's first argument names one. #}
{% set one_task = image.tasks if image.tasks|length == 1 else () %}
ENTRYPOINT {{ ([image.env_python, "-I", "-u", "-m", "envkit.worker.alone"] + one_task|list)|exec_form }}
{% endblock %}
