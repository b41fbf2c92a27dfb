"""Reading what a machine said, and booting again one that did not come up."""

import io
import tarfile
import unittest
from unittest import mock

import machine
import matrix
import vm


def packed(name, content):
    to = io.BytesIO()
    with tarfile.open(fileobj=to, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return to.getvalue()


def outcome(begun, status=None):
    return machine.Outcome(status, "" if begun else "a panic", "", "Kernel panic - not syncing\n", 3.0,
                           begun=begun)


class Kernel:
    series = "9.9"


class Image:
    @staticmethod
    def bytes():
        return b"initrd"


class Status(unittest.TestCase):
    def test_the_status_and_the_files(self):
        raw = b"begun\nstatus=3\n" + packed("./root/steps", b"io|0|1|2\n")
        self.assertTrue(machine.has_begun(raw))
        self.assertEqual(machine.read_status(raw), (3, {"root/steps": b"io|0|1|2\n"}))

    def test_a_machine_that_died(self):
        self.assertEqual(machine.read_status(b"begun\n"), (None, {}))
        self.assertEqual(machine.read_status(b""), (None, {}))
        self.assertFalse(machine.has_begun(b""))


class Cards(unittest.TestCase):
    def test_none_unless_asked_for(self):
        self.assertEqual(machine.nic_arguments(machine.Settings()), ["-nic", "none"])

    def test_two_on_one_hub(self):
        arguments = machine.nic_arguments(machine.Settings(two_nics=True))
        self.assertEqual(arguments[0::2], ["-netdev", "-device"] * 2)
        self.assertEqual(arguments[1::4], ["hubport,id=port0,hubid=0", "hubport,id=port1,hubid=0"])
        self.assertEqual(arguments[3::4], [f"{machine.NIC},netdev=port{number},mac=52:54:00:00:00:0{number + 1}"
                                           for number in (0, 1)])

    def test_the_kernel_gets_the_driver(self):
        self.assertIn(machine.NIC, vm.MODULES)
        self.assertIn(machine.NIC, matrix.MODULES)


class Boots(unittest.TestCase):
    def run_with(self, *outcomes):
        said = []
        with mock.patch.object(machine, "run_once", side_effect=outcomes):
            return machine.run(Kernel, Image, machine.Settings(), say=said.append), said

    def test_again_when_the_kernel_died_before_the_first_process(self):
        found, said = self.run_with(outcome(False), outcome(True, 0))
        self.assertEqual((found.status, found.boots), (0, 2))
        self.assertEqual(said, ["Linux 9.9 did not come up (a panic; Kernel panic - not syncing), "
                                "boot 1 of 4"])

    def test_not_again_when_it_died_later(self):
        found, said = self.run_with(outcome(True))
        self.assertEqual((found.status, found.boots, said), (None, 1, []))

    def test_not_for_ever(self):
        found, said = self.run_with(*[outcome(False)] * machine.BOOTS_MOST)
        self.assertEqual((found.status, found.boots), (None, machine.BOOTS_MOST))
        self.assertEqual(len(said), machine.BOOTS_MOST)


if __name__ == "__main__":
    unittest.main()
