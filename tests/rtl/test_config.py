"""CoreConfig: every rule by its sentence, and the sizes derived from it."""
import dataclasses

import pytest

from rtl.config import FIRE_MARGIN, CoreConfig

RULES = {
    "pes": ("a whole number", 1, 8), "lanes": ("a power of two", 4, 32), "kernel": ("a whole number", 1, 11),
    "acc_bits": ("a whole number", 16, 40), "acc_depth": ("a power of two", 16, 32768), "weight_depth": ("a power of two", 8, 65536),
    "slots": ("a power of two", 2, 32), "queue_depth": ("a power of two", 64, 1048576), "fire_lanes": ("a power of two", 1, 32),
    "weight_bytes": ("a power of two", 1, 32), "coord_bits": ("a whole number", 4, 10), "param_depth": ("a power of two", 2, 4096),
    "mask_words": ("a power of two", 2, 2048), "watchdog_bits": ("a whole number", 8, 32),
}
SMALLEST = CoreConfig(fire_lanes=1, weight_bytes=1)
LARGEST = CoreConfig(lanes=32)


def sentence(error):
    return str(error.value)


def test_every_field_has_a_rule():
    assert set(RULES) | {"compact", "family"} == {field.name for field in dataclasses.fields(CoreConfig)}


@pytest.mark.parametrize("name", RULES)
def test_both_ends_of_a_range_are_allowed(name):
    _, low, high = RULES[name]
    assert getattr(SMALLEST.replace(**{name: low}), name) == low
    assert getattr(LARGEST.replace(**{name: high}), name) == high


@pytest.mark.parametrize("name", RULES)
def test_a_value_that_breaks_its_rule_is_named_with_the_rule(name):
    kind, low, high = RULES[name]
    wrong = [low - 1, high + 1, 2 * high, -1, 2.0, "4", None, True]
    wrong += [low + 1 if low > 2 else 3, high - 1] if kind == "a power of two" else []
    for value in wrong:
        with pytest.raises(ValueError) as error:
            LARGEST.replace(**{name: value})
        assert sentence(error) == f"{name} must be {kind} from {low} to {high}, not {value}"


@pytest.mark.parametrize("name", ["fire_lanes", "weight_bytes"])
def test_no_more_fire_lanes_or_weight_bytes_than_lanes(name):
    with pytest.raises(ValueError) as error:
        SMALLEST.replace(lanes=4, **{name: 8})
    assert sentence(error) == f"{name} must be at most the lanes (4), not 8"


def test_a_compact_accelerator_has_one_pe_one_fire_lane_and_a_chunk_a_word():
    assert CoreConfig(pes=1, lanes=8, fire_lanes=1, weight_bytes=8, compact=True).compact
    for wrong in ({"pes": 2}, {"fire_lanes": 2}, {"weight_bytes": 4}):
        with pytest.raises(ValueError) as error:
            CoreConfig(**({"pes": 1, "lanes": 8, "fire_lanes": 1, "weight_bytes": 8, "compact": True} | wrong))
        assert sentence(error).startswith("a compact accelerator must have 1 PE, 1 fire lane and weight_bytes = lanes (8), not ")
    with pytest.raises(ValueError) as error:
        CoreConfig(compact=1)
    assert sentence(error) == "compact must be true or false, not 1"


def test_an_unknown_family_is_refused_by_a_sentence():
    with pytest.raises(ValueError) as error:
        CoreConfig(family="virtex")
    assert sentence(error) == "family must be one of generic, ice40, up5k, ecp5, gowin, not virtex"


def test_a_configuration_survives_a_dictionary():
    config = CoreConfig(pes=3, lanes=16, kernel=11)
    assert CoreConfig.from_dict(config.to_dict()) == config
    with pytest.raises(ValueError) as error:
        CoreConfig.from_dict({"pes": 1, "speed": 9})
    assert sentence(error) == "a core has no setting called speed"


def test_a_configuration_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        CoreConfig().pes = 2


def test_derived_sizes():
    config = CoreConfig(lanes=16, weight_bytes=4, fire_lanes=2, kernel=5, slots=8, acc_depth=512, weight_depth=64, coord_bits=6,
                        queue_depth=128)
    assert (config.positions, config.position_bits, config.slot_bits) == (25, 5, 3)
    assert (config.acc_address_bits, config.ring_bits, config.words_per_chunk) == (9, 6, 4)
    assert (config.token_bits, config.bank_capacity, config.fire_groups) == (9 + 12 + 2, 128 - FIRE_MARGIN, 8)
    assert CoreConfig(kernel=1).position_bits == 1
