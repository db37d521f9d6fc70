import pytest

from lading.cli.ipam import configs


def test_what_is_given_belongs_to_the_subnet_that_holds_it() -> None:
    found = configs(
        ["10.9.0.0/24", "fd00::/64"],
        ["10.9.0.128/25"],
        ["fd00::9", "10.9.0.9"],
        {"printer": "10.9.0.7", "router": "fd00::1"},
    )
    assert found == [
        {
            "Subnet": "10.9.0.0/24",
            "IPRange": "10.9.0.128/25",
            "Gateway": "10.9.0.9",
            "AuxiliaryAddresses": {"printer": "10.9.0.7"},
        },
        {"Subnet": "fd00::/64", "Gateway": "fd00::9", "AuxiliaryAddresses": {"router": "fd00::1"}},
    ]


@pytest.mark.parametrize(
    ("subnets", "ranges", "gateways", "text"),
    [
        ([], ["10.9.0.0/25"], [], "every ip-range or gateway must have a corresponding subnet"),
        ([], [], ["10.9.0.1"], "every ip-range or gateway must have a corresponding subnet"),
        (["10.9.0.0/24", "10.9.0.0/25"], [], [], "multiple overlapping subnet configuration"),
        (["10.9.0.0/24"], ["10.8.0.0/25"], [], "no matching subnet for range 10.8.0.0/25"),
        (["10.9.0.0/24"], [], ["10.8.0.1"], "no matching subnet for gateway 10.8.0.1"),
        (["bogus"], [], ["10.8.0.1"], "invalid IP: bogus"),
        (["10.9.0.0/99"], [], ["10.8.0.1"], "invalid CIDR address: 10.9.0.0/99"),
        (
            ["10.9.0.0/24", "10.8.0.0/24"],
            [],
            ["10.9.0.1", "10.9.0.2"],
            r"cannot configure multiple gateways \(10.9.0.2, 10.9.0.1\) for the same subnet",
        ),
    ],
)
def test_what_belongs_nowhere_is_refused(
    subnets: list[str], ranges: list[str], gateways: list[str], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        configs(subnets, ranges, gateways, {})


def test_an_auxiliary_address_has_a_subnet() -> None:
    with pytest.raises(ValueError, match=r"no matching subnet for aux-address 10\.8\.0\.1"):
        configs(["10.9.0.0/24"], [], [], {"a": "10.8.0.1"})
