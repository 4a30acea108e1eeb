"""The stages of dvc.yaml: read params, load, call, write."""

import os

# How long a thread spins before it sleeps when it waits for another: a tenth of the default. The same sums; on a machine
# with other work to do training is twice to seven times as fast. It must be said before torch is imported.
os.environ.setdefault("GOMP_SPINCOUNT", "30000")
