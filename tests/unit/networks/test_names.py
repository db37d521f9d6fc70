from lading.networks import names


def test_names_are_told_once_and_in_order() -> None:
    assert names.unique(["web", "a", "", "web", "a"]) == ("web", "a")
