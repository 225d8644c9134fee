"""One setting names the repository, and every link agrees with it."""

from ci.table import repository


def test_every_link_of_the_tree_agrees_with_the_setting() -> None:
    assert repository.main([]) == 0


def test_links_pages_and_teams_follow_a_new_owner() -> None:
    text = (
        "https://github.com/old/objectpipes/issues https://old.github.io/objectpipes/simple\n"
        "/ci/ @old/release https://github.com/old/other\n"
    )
    assert repository.with_owner(text, "new") == (
        "https://github.com/new/objectpipes/issues https://new.github.io/objectpipes/simple\n"
        "/ci/ @new/release https://github.com/old/other\n"
    )
