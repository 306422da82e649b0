import pytest

from instrument.music.vocabulary import START, Vocabulary


def test_ids_follow_the_names_and_start_is_zero() -> None:
    vocabulary = Vocabulary.of(["64", "60", "rest", "60"])
    assert vocabulary.symbols == (START, "60", "64", "rest")
    assert [vocabulary.id_of(symbol) for symbol in vocabulary.symbols] == [0, 1, 2, 3]


def test_rare_symbols_are_left_out() -> None:
    vocabulary = Vocabulary.of(["64", "60", "60"], at_least=2)
    assert "60" in vocabulary
    assert "64" not in vocabulary
    assert len(vocabulary) == 2


def test_a_list_that_was_saved_gives_the_same_ids_in_any_order() -> None:
    assert Vocabulary((START, "b", "a")).id_of("a") == 2


@pytest.mark.parametrize("symbols", [("60", START), (START, "60", "60"), ()])
def test_broken_lists_are_our_own_mistake(symbols: tuple[str, ...]) -> None:
    with pytest.raises(AssertionError):
        Vocabulary(symbols)
