"""The types of params.yaml: one module per section, so that a new leaf reruns only the stages that read its section."""
