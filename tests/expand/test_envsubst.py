"""Variables are put in as Flux does it; the documented cases, and those that its parser refuses."""

import pytest

from scaffold.expand.envsubst import SubstitutionError, substitute

VARIABLES = {"path": "path/to/file.tar.gz", "empty": "", "word": "hello", "ä": "x", "wide": "äöü"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("no dollar", "no dollar"),
        ("${word} $word ${word}", "hello $word hello"),
        ("$${word} $$ $", "${word} $ $"),
        ("${ä}", "x"),
        ("${#word} ${#wide}", "5 6"),
        ("${missing:=a} ${missing:-b} ${missing=c} ${empty:=d} ${word:=e}", "a b c d hello"),
        ("${missing:=${word}-x}", "hello-x"),
        ("${missing:=}", ""),
        ("${missing:+a} ${word:+a} ${missing:?b}", "a hello b"),
        ("${word:1} ${word:1:3} ${word:-2} ${word:0:-1} ${word:9} ${word:x}", "ello ell hello hell  hello"),
        ("${word^} ${word^^} ${word,} ${word,,}", "Hello HELLO hello hello"),
        ("${word/l/L} ${word//l/L} ${word/#he/He} ${word/%lo/LO} ${word//l/}", "heLlo heLLo Hello helLO heo"),
        (r"${path//\//-}", "path-to-file.tar.gz"),
        ("${path#*/} ${path##*/} ${path%.*} ${path%%.*}", "to/file.tar.gz file.tar.gz path/to/file.tar path/to/file"),
        ("${word#[a-h]} ${word#x}", "ello hello"),
    ],
)
def test_the_documented_expansions(text: str, result: str) -> None:
    assert substitute(text, VARIABLES) == result


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("${missing}", "${missing} is not defined"),
        ("${missing^^}", "is not defined"),
        ("${#missing}", "is not defined"),
        ("${missing#x}", "is not defined"),
        ("${}", "names no variable"),
        ("${ word}", "names no variable"),
        ("${word", "is not closed"),
        ("${word-x}", "is not closed"),
        ("${word:=x", "is not closed"),
        ("${word#}", "is not closed"),
        ("${word/x}", "is not closed"),
        ("awk '{print ${1-}}'", "is not closed"),
    ],
)
def test_what_flux_refuses_is_refused(text: str, why: str) -> None:
    with pytest.raises(SubstitutionError) as caught:
        substitute(text, VARIABLES)
    assert why in str(caught.value)
