"""From a template and a plan to a Dockerfile."""
