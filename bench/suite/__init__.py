"""The parts of `./dev bench` and `myra bench`: subjects, scenarios, statistics, outside forms."""
