"""The parts of `./dev bench core`: processes, machine, statistics and table, and the rows."""
