"""Made-up runs, and what the timeline says of them."""

import unittest

from timeline import Gap, Timeline, steps_back

SESSION_S = 10


def of_two(*events, restarts=()):
    """The timeline of partition 0, which is m0's at first, and partition 1, which is m1's."""
    timeline = Timeline(2, SESSION_S)
    timeline.restarts += restarts
    for at, member, kind, *partitions in [(0, "m0", "assigned", 0), (0, "m1", "assigned", 1), *events]:
        timeline.add({"t": at, "m": member, "e": kind, "p": partitions})
    return timeline


class Longest(unittest.TestCase):
    """How long a partition was without an owner, beyond what a rebalance has to wait."""

    def test_is_none_while_all_have_owners(self):
        self.assertIsNone(of_two().longest())

    def test_begins_when_a_member_leaves(self):
        found = of_two((10, "m0", "left"), (13, "m1", "assigned", 0)).longest()
        self.assertEqual((found, found.seconds), (Gap(10, 13, 0), 3))

    def test_begins_after_the_session_of_whoever_is_gone_without_a_word(self):
        for kind in ("killed", "unheard"):
            with self.subTest(kind):
                found = of_two((10, "m0", kind), (22, "m1", "assigned", 0)).longest()
                self.assertEqual(found, Gap(20, 22, 0))

    def test_begins_after_the_sessions_that_a_rebalance_waits_for(self):
        for kind in ("killed", "unheard"):
            with self.subTest(kind):
                events = [(10, "m1", kind), (11, "m0", "revoked", 0), (21, "m0", "assigned", 0, 1)]
                self.assertEqual([gap.seconds for gap in of_two(*events).gaps()], [1, 1])

    def test_does_not_wait_for_who_is_heard(self):
        events = [(10, "m1", "left"), (11, "m0", "revoked", 0), (21, "m0", "assigned", 0, 1)]
        self.assertEqual(of_two(*events).longest(), Gap(10, 21, 1))

    def test_begins_later_where_a_restart_began_the_session_anew(self):
        events = [(10, "m0", "unheard"), (26, "m1", "assigned", 0)]
        self.assertEqual(of_two(*events, restarts=[9, 15]).longest(), Gap(25, 26, 0))

    def test_is_told_with_what_lies_around(self):
        timeline = of_two((10, "m0", "unheard"), (22, "m1", "assigned", 0), restarts=[9])
        told = "partition 0 for 2.0 s: -20.0 assigned m0, -10.0 unheard m0, +2.0 assigned m1, -11.0 restarted"
        self.assertEqual(timeline.around(timeline.longest()), told)


class Records(unittest.TestCase):
    """What was read and committed."""

    def test_that_nobody_read_are_found(self):
        timeline = of_two()
        timeline.add({"t": 1, "m": "m0", "e": "read", "p": 0, "first": 0, "last": 2})
        self.assertEqual(timeline.unread({0: [0, 2, 3], 1: [0]}), [(0, 3), (1, 0)])

    def test_whose_commit_moved_back_are_found(self):
        self.assertEqual(steps_back([{0: 5}, {0: 4, 1: 1}, {0: 5, 1: 1}]), [(0, 5, 4)])


if __name__ == "__main__":
    unittest.main()
