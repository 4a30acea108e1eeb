"""All benchmarks, or those named: `python -m benchmarks fgsm_sweep --threads 1`, about five minutes for all."""

import argparse
import importlib
import warnings

import torch

NAMES = ("fgsm_sweep", "fgsm_training_step")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES, metavar="name", help=", ".join(NAMES))
    parser.add_argument("--threads", type=int, default=1, help="processor threads of every contestant")
    arguments = parser.parse_args()
    if strange := set(arguments.names) - set(NAMES):
        parser.error(f"no benchmark {', '.join(sorted(strange))}; there are {', '.join(NAMES)}")
    torch.set_num_threads(arguments.threads)
    warnings.simplefilter("ignore")
    for name in arguments.names:
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
