{# JupyterLab. Its token is JUPYTER_TOKEN, the content of the file JUPYTER_TOKEN_FILE, or one that it makes up and prints. #}
{% extends "envkit/base.Dockerfile" %}
{% set ask = "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', " ~ image.port
    ~ ", timeout=4); c.request('GET', '/api'); sys.exit(c.getresponse().status != 200)" %}
{% block packages %}
# JupyterLab starts in seconds where its bytecode is here already; torch and transformers would cost more than they
# give. A package may hold files for other Pythons, which do not compile.
RUN {{ [image.env_python, "-I", "-m", "compileall", "-qq", "-x", "/(torch|transformers)/", image.prefix ~ "/lib"]|shell_words }} || true
{% endblock %}
{% block entry %}
EXPOSE {{ image.port }}
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD {{ [image.env_python, "-I", "-c", ask]|exec_form }}
ENTRYPOINT {{ [image.env_python, "-I", "-u", "-m", "jupyterlab", "--no-browser", "--ip=0.0.0.0", "--port=" ~ image.port,
    "--ServerApp.root_dir=" ~ image.work_dir]|exec_form }}
{% endblock %}
