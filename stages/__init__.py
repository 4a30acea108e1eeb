"""The stages of dvc.yaml: read params, load, call, write."""
