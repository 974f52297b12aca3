"""Download datasets: ``python -m course_utils.datasets mnist fashion_mnist``."""

import argparse
import os
import sys

from course_utils.datasets import names, prepare
from course_utils.errors import CourseError


def main(arguments: list[str] | None = None) -> int:
    """Prepare the named datasets; return 0, or 1 if one of them could not be prepared."""
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.datasets",
        description="Download datasets of TensorFlow Datasets to TFDS_DATA_DIR (without it: data/tfds of "
        "a checkout, else ~/tensorflow_datasets).",
        epilog=f"These need no preparation: {', '.join(names())}.",
    )
    parser.add_argument("names", nargs="+", metavar="name", help="such as mnist, cifar10 or voc/2007")
    failures = 0
    for name in parser.parse_args(arguments).names:
        try:
            print(prepare(name))
        except CourseError as error:
            print(error, file=sys.stderr)
            failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    raise SystemExit(main())
