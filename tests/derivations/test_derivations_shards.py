"""What is a sum over patterns is a sum over devices."""

import pytest

from hesslib.derivations import shards


@pytest.mark.parametrize("chain", [shards.gradient, shards.mean_of_all, shards.row])
def test_what_is_a_sum_over_patterns_is_derived(chain):
    assert chain().established == "derived"


def test_a_product_takes_the_gradient_for_granted():
    assert shards.product().established == "conditional"


def test_means_of_devices_are_not_added():
    assert shards.mean_of_all().refuses(shards.means_added(), "the means of all devices, added")
