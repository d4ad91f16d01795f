from __future__ import annotations

from envkit.machine.files import Files


def test_files_missing_are_an_answer_and_not_noted(make_root):
    files = Files(make_root({"/proc/x": "1"}))
    assert files.text("/proc/missing") is None
    assert files.text("/proc/x/below") is None
    assert files.names("/nowhere") == []
    assert files.unread == ()


def test_files_that_are_there_but_unreadable_are_noted(make_root):
    files = Files(make_root({"/proc/x": "1"}))
    assert files.text("/proc") is None
    assert [each.what for each in files.unread] == ["/proc"]


def test_files_read_no_more_than_asked(make_root):
    assert Files(make_root({"/proc/x": "abcdef"})).text("/proc/x", limit=3) == "abc"
