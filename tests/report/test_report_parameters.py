"""The parameter table: what held, what would have held, why."""

from crmlib.book.parameter_table import Parameter, read


def test_the_injected_value_is_in_force():
    cell = 'years = 3  # horizon\nrate: float = 0.1  # a year\nrun_dir = ""'
    assert read(cell, "# Parameters\nyears = 5\nrun_dir = '.'") == [
        Parameter("years", "5", "3", "horizon"),
        Parameter("rate", "0.1", None, "a year"),
    ]


def test_a_value_over_several_lines_takes_the_comment_of_its_last():
    cell = "tiers = [\n    0.2,  # first\n    0.5,\n]  # cumulative shares"
    assert read(cell) == [Parameter("tiers", "0.2, 0.5", None, "cumulative shares")]


def test_literals_are_written_for_readers():
    cell = "a = None\nb = ''\nc = True\nd = {'x': [1, 2]}\ne = 1 / 3\nf = '# no comment'"
    assert [p.value for p in read(cell)] == ["–", "–", "yes", "x: 1, 2", "1 / 3", "# no comment"]


def test_a_parameter_without_default_is_shown_too():
    assert read("", "extra = -1") == [Parameter("extra", "-1", None, "")]
