import pytest

from scaffold.model.giturl import is_fixed, plain, same_repository


@pytest.mark.parametrize(
    "spelling",
    [
        "https://git.example/Team/config.git", "https://git.example/team/config/", "http://git.example:80/team/config",
        "https://user:secret@git.example:443/team/config", "git@git.example:team/config.git",
        "ssh://git@git.example:22/team/config", " https://git.example/team/config ",
    ],
)  # fmt: skip
def test_spellings_of_one_repository(spelling: str) -> None:
    assert plain(spelling) == "git.example/team/config"
    assert same_repository(spelling, "https://git.example/team/config")


@pytest.mark.parametrize("other", ["https://git.example/team/other", "ssh://git.example:2222/team/config", "", None, 3])
def test_other_repositories(other: object) -> None:
    assert not same_repository("https://git.example/team/config", other)
    assert not same_repository("", "")


@pytest.mark.parametrize("revision", ["v1", "v1.2.3", "1.2.3-rc1", "1.*", ">=1", "refs/tags/x", "0a1b2c3", "a" * 40])
def test_revisions_that_may_be_another_state(revision: str) -> None:
    assert is_fixed(revision)


@pytest.mark.parametrize("revision", ["main", "HEAD", "", None, "release-1", "feature/v1", "refs/heads/main"])
def test_revisions_that_may_be_the_working_tree(revision: object) -> None:
    assert not is_fixed(revision)
