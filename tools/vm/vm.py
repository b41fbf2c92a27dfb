#!/usr/bin/env python3
"""Runs a command on another kernel, in a virtual machine: what stands behind ./dev vm."""

import argparse
import os
import sys
from pathlib import Path

import archive
import document
import image
import kernel as kernels
import machine
import matrix
import pins
from report import say

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = [ROOT / "build/release/bin", ROOT / "examples", ROOT / "tests"]
MODULES = ["veth", "tls", "dummy", machine.NIC]
NO_STATUS = 125
SKIPPED = 77


def run_options():
    parser = argparse.ArgumentParser(
        prog="./dev vm", description="Runs a command on another kernel, in a virtual machine.",
        epilog=f"Exit status: that of the command; {NO_STATUS} when the machine gave none; "
               f"{SKIPPED} when the kernel cannot be had.")
    known = list(pins.by_series(pins.read()))
    parser.add_argument("--kernel", required=True, choices=known, help="series: %(choices)s")
    parser.add_argument("--user", action="store_true", help="run it as an ordinary user")
    parser.add_argument("--add", action="append", default=[], type=Path, metavar="PATH",
                        help="a file or folder more to have in the working folder")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--modules", default="", help="kernel modules more to load: 'tls bridge'")
    parser.add_argument("--two-nics", action="store_true",
                        help="two network cards on one hub: eth0 is 198.51.100.1, and 198.51.100.2 "
                             "is reached through it; `on_peer COMMAND` runs there")
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("--memory", type=int, default=1024, metavar="MIB")
    parser.add_argument("--limit", type=int, default=120, metavar="SECONDS", help="time limit")
    parser.add_argument("--log", type=Path, metavar="FILE", help="where to keep the kernel's log")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND...",
                        help="a program of the release build by its name, or a path; shell "
                             "commands: sh -c '...'")
    return parser


def environment_of(options, outside, terminal):
    """What the command finds in its environment, given the environment outside of the machine."""
    environment = dict(each.split("=", 1) for each in options.env)
    environment.setdefault("MYRA_TIME_FACTOR", str(machine.TIME_FACTOR))
    if outside.get("NO_COLOR") or not terminal:
        # The machine's console is a terminal to the command, wherever its lines go from there.
        environment.setdefault("NO_COLOR", "1")
    return environment


def make_image(kernel, options):
    made = image.Image(kernel, MODULES + options.modules.split())
    program, *arguments = options.command
    if program in ("sh", "busybox"):
        command = options.command
    else:
        file = image.find_program(program, PROGRAMS)
        made.add(file)
        command = [f"./{file.name}", *arguments]
    for path in options.add:
        made.add(path if path.exists() else image.find_program(str(path), PROGRAMS))
    made.run(command, environment_of(options, os.environ, sys.stdout.isatty()), options.user)
    return made


def report(outcome, options):
    if options.log:
        options.log.write_text(outcome.kernel_log)
    if outcome.status != 0 or outcome.trouble:
        say("the kernel's log:")
        sys.stderr.write(outcome.kernel_log)
    if outcome.status is None:
        say(f"no exit status from the machine: {outcome.why}")
        return NO_STATUS
    return outcome.status


def run(arguments):
    parser = run_options()
    options = parser.parse_args(arguments)
    if options.command and options.command[0] == "--":
        del options.command[0]
    if not options.command:
        parser.error("no command to run")
    try:
        kernel = kernels.get(options.kernel, say)
        made = make_image(kernel, options)
    except kernels.Unavailable as why:
        say(f"SKIP: Linux {options.kernel} cannot be had: {why}")
        return SKIPPED
    except archive.Damaged as why:
        say(str(why))
        return NO_STATUS
    except image.ImageError as why:
        parser.error(str(why))
    settings = machine.Settings(options.cpus, options.memory, options.limit, options.two_nics)
    return report(machine.run(kernel, made, settings, machine.show_line, say), options)


VERBS = {"refresh": lambda _: kernels.refresh(say), "matrix": matrix.main,
         "document": document.main}


def main(arguments):
    if arguments and arguments[0] in VERBS:
        return VERBS[arguments[0]](arguments[1:])
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
