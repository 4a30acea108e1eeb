"""All benchmarks, or those named: `python -m benchmarks fgsm_sweep --threads 1`, about 17 minutes for all."""

import argparse
import importlib
import warnings

from threadpoolctl import threadpool_limits

NAMES = (
    "fgsm_sweep",
    "fgsm_training_step",
    "vicreg_training",
    "simclr_training",
    "nearest",
    "silhouette",
    "laplacian_eigenmaps",
)


def main() -> None:
    import torch  # not above: every process that a benchmark starts imports this module

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES, metavar="name", help=", ".join(NAMES))
    parser.add_argument("--threads", type=int, default=1, help="processor threads of every contestant but the loaders'")
    arguments = parser.parse_args()
    if strange := set(arguments.names) - set(NAMES):
        parser.error(f"no benchmark {', '.join(sorted(strange))}; there are {', '.join(NAMES)}")
    warnings.simplefilter("ignore")
    for name in arguments.names:
        benchmark = importlib.import_module(f"benchmarks.{name}")
        torch.set_num_threads(arguments.threads)
        threadpool_limits(arguments.threads)  # of what is loaded by now
        benchmark.main()


if __name__ == "__main__":
    main()
