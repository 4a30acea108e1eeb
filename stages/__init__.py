"""The stages of dvc.yaml: read params, load, call, write."""

import os

# Threads that wait for another sleep instead of spinning: the same sums, and many times faster on a machine that has
# other work to do. It must be said before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
