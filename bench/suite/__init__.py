"""The parts of `./dev bench` and `myra bench`: subjects, scenarios, statistics, the outside forms."""
