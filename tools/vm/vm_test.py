"""What a command finds in a machine."""

import unittest

import vm


def environment(outside, terminal, *arguments):
    options = vm.run_options().parse_args(["--kernel", "6.12", *arguments, "myra", "probe"])
    return vm.environment_of(options, outside, terminal)


class Environment(unittest.TestCase):
    def test_colours_only_for_a_terminal(self):
        self.assertNotIn("NO_COLOR", environment({}, True))
        self.assertNotIn("NO_COLOR", environment({"NO_COLOR": ""}, True))
        self.assertEqual(environment({}, False)["NO_COLOR"], "1")
        self.assertEqual(environment({"NO_COLOR": "1"}, True)["NO_COLOR"], "1")

    def test_what_is_given_is_kept(self):
        given = environment({}, False, "--env", "NO_COLOR=", "--env", "A=b=c")
        self.assertEqual((given["NO_COLOR"], given["A"]), ("", "b=c"))


if __name__ == "__main__":
    unittest.main()
