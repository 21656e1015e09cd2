"""verify JAR [--also VERSION]…: see scripts/verify."""

import argparse
import sys
import traceback

import checks
from servers import Place, RabbitMq

VERSION = "26.7.0"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("jar")
    arguments.add_argument("--also", action="append", default=[], metavar="VERSION")
    options = arguments.parse_args()
    place, report = Place(), checks.Report()
    try:
        rabbitmq = RabbitMq(place)
        checks.everything(place, rabbitmq, options.jar, VERSION, report)
        for version in options.also:
            checks.another_version(place, rabbitmq, options.jar, version, report)
    except Exception:
        traceback.print_exc()
        report.that("the run came to its end", False)
    finally:
        place.close()
    print(f"{report.passed} passed, {report.failed} failed")
    sys.exit(1 if report.failed or not report.passed else 0)


main()
