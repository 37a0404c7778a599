"""Where and with what customers order: cities, addresses, warehouses, cells and devices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clientele.simulator.customers import Customers
from clientele.simulator.plan import Streams

CITY_COUNT = 20
CITY_EXPONENT = 0.9  # the k-th city has 1 / k ** 0.9 of the first one's customers
TRAVEL_SHARE = 0.02  # of the orders come from another city
WAREHOUSES_PER_CITY = 6  # in the largest cities; half of it in the others
LARGE_CITIES = 6
CELLS_PER_CITY = 1 << 12

ADDRESS_NAMES = ("home", "work", "other")
ADDRESS_SHARES = (0.76, 0.92)  # cumulated
WORK_DISTANCE_SPREAD = 0.5  # of the logarithm, against home
LONGEST_DISTANCE_M = 18_000
SHORTEST_DISTANCE_M = 40

DEVICES = {
    "iPhone 12": 9, "iPhone 13": 12, "iPhone 14": 9, "iPhone 15 Pro": 8, "iPhone SE": 4,
    "iPad Air": 2, "iPad (9th generation)": 2,
    "Samsung SM-A515F": 8, "Samsung SM-A346B": 7, "Samsung SM-G991B": 6, "Samsung SM-S918B": 5,
    "Xiaomi Redmi Note 11": 6, "Xiaomi 12T": 3, "HUAWEI P30 lite": 3, "OPPO Reno8": 2,
    "Pixel 7": 2, "Galaxy Tab S8": 2, "web": 10,
}  # fmt: skip
DEVICE_NAMES = tuple(DEVICES)
WEB_SHARE = 0.04  # of the orders of those who usually order by app


@dataclass(frozen=True)
class Places:
    """Place and device of each basket; one element a basket."""

    city: np.ndarray  # code from 0
    address: np.ndarray  # code into ADDRESS_NAMES
    distance: np.ndarray  # metres
    warehouse: np.ndarray  # code from 0 within the city
    cell: np.ndarray  # code from 0 within the city
    device: np.ndarray  # code into DEVICE_NAMES


def draw_places(customers: Customers, customer: np.ndarray, streams: Streams) -> Places:
    """Draw a place and a device for each basket; home and work stay the same for a customer.

    Args:
        customer: index of each basket's customer.
    """
    baskets = customer.size
    weights = 1.0 / np.arange(1, CITY_COUNT + 1) ** CITY_EXPONENT
    shares = np.cumsum(weights) / weights.sum()
    home_city = _pick(shares, streams("place/home_city").random(customers.count))
    travel = streams("place/travel").random((baskets, 2))
    is_travelling = travel[:, 0] < TRAVEL_SHARE
    city = np.where(is_travelling, _pick(shares, travel[:, 1]), home_city[customer])

    address = _pick(np.array([*ADDRESS_SHARES, 1.0]), streams("place/address").random(baskets))
    address = np.where(is_travelling, ADDRESS_NAMES.index("other"), address)
    own_cells = streams("place/own_cells").integers(0, CELLS_PER_CITY, (customers.count, 2))
    other_cell = streams("place/other_cell").integers(0, CELLS_PER_CITY, baskets)
    cell = np.select(
        [address == 0, address == 1],
        [own_cells[customer, 0], own_cells[customer, 1]],
        default=other_cell,
    )
    work = streams("place/work").lognormal(0.0, WORK_DISTANCE_SPREAD, customers.count)
    other = streams("place/other").lognormal(0.0, WORK_DISTANCE_SPREAD, baskets)
    factor = np.select([address == 0, address == 1], [1.0, work[customer]], default=other)
    metres = np.rint(customers.distance[customer] * factor * 1000).astype(np.int64)
    warehouses = np.where(city < LARGE_CITIES, WAREHOUSES_PER_CITY, WAREHOUSES_PER_CITY // 2)

    device_weights = np.array(list(DEVICES.values()), dtype=float)
    device_shares = np.cumsum(device_weights) / device_weights.sum()
    own_device = _pick(device_shares, streams("place/own_device").random(customers.count))
    on_web = streams("place/web").random(baskets) < WEB_SHARE
    return Places(
        city=city.astype(np.int8),
        address=address.astype(np.int8),
        distance=np.clip(metres, SHORTEST_DISTANCE_M, LONGEST_DISTANCE_M).astype(np.int32),
        warehouse=(cell % warehouses).astype(np.int8),
        cell=cell.astype(np.int32),
        device=np.where(on_web, DEVICE_NAMES.index("web"), own_device[customer]).astype(np.int8),
    )


def _pick(cumulated: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Return the code that each chance in [0, 1) falls on."""
    return np.minimum(np.searchsorted(cumulated, chance, side="right"), cumulated.size - 1)
