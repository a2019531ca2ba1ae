"""Least-squares problems with known minima, hard for good programs: curves to fit, and functions to minimise.

The curves, their starts and their certified minima (11 digits) are from the Statistical Reference Datasets of NIST; the
functions are from Moré, Garbow and Hillstrom, ACM TOMS 7 (1981), who also start from 10 and 100 times the first start.
Nothing here is from the package. Jacobians are complex steps, right to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Vector = np.ndarray
Residuals = Callable[[Vector], Vector]


@dataclass(frozen=True)
class Problem:
    """Residuals, a start, and the sums of squares at which their local minima lie, the least first."""

    name: str
    residuals: Residuals
    start: tuple[float, ...]
    minima: tuple[float, ...]

    def jacobian(self, w: Vector) -> Vector:
        step = 1e-100
        with np.errstate(over="ignore", invalid="ignore"):
            columns = [self.residuals(w + 1j * step * unit).imag / step for unit in np.eye(len(w))]
        return np.stack(columns, axis=-1)

    def reached(self, w: Vector, digits: float = 4) -> bool:
        """Whether the sum of squares at `w` is the least, to so many digits (or where it is 0, to twice as many)."""
        with np.errstate(over="ignore", invalid="ignore"):
            square = float(np.sum(np.real(self.residuals(np.asarray(w, float))) ** 2))
        least = self.minima[0]
        return bool(square <= least * (1 + 10.0**-digits) + 10.0 ** (-2 * digits - 4) * (least == 0))


@dataclass(frozen=True)
class Curve:
    """Points, a curve through them up to noise, the certified minimum and where it is."""

    name: str
    model: Callable[[Any, Vector], Vector]
    starts: tuple[tuple[float, ...], ...]
    minimum: float
    w: tuple[float, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]

    def residuals(self, w: Vector) -> Vector:
        return self.model(w, np.array(self.x)) - np.array(self.y)

    def problems(self) -> Iterator[Problem]:
        for number, start in enumerate(self.starts, start=1):
            yield Problem(f"{self.name}, start {number}", self.residuals, start, (self.minimum,))


def misra1a(w: Any, x: Vector) -> Vector:
    return w[0] * (1 - np.exp(-w[1] * x))


def danwood(w: Any, x: Vector) -> Vector:
    return w[0] * x ** w[1]


boxbod = misra1a


def rat42(w: Any, x: Vector) -> Vector:
    return w[0] / (1 + np.exp(w[1] - w[2] * x))


def rat43(w: Any, x: Vector) -> Vector:
    return w[0] / (1 + np.exp(w[1] - w[2] * x)) ** (1 / w[3])


def mgh09(w: Any, x: Vector) -> Vector:
    return w[0] * (x**2 + x * w[1]) / (x**2 + x * w[2] + w[3])


def mgh10(w: Any, x: Vector) -> Vector:
    return w[0] * np.exp(w[1] / (x + w[2]))


def mgh17(w: Any, x: Vector) -> Vector:
    return w[0] + w[1] * np.exp(-x * w[3]) + w[2] * np.exp(-x * w[4])


def eckerle4(w: Any, x: Vector) -> Vector:
    return w[0] / w[1] * np.exp(-0.5 * ((x - w[2]) / w[1]) ** 2)


def thurber(w: Any, x: Vector) -> Vector:
    return (w[0] + w[1] * x + w[2] * x**2 + w[3] * x**3) / (1 + w[4] * x + w[5] * x**2 + w[6] * x**3)


def roszman1(w: Any, x: Vector) -> Vector:
    return w[0] - w[1] * x - np.arctan(w[2] / (x - w[3])) / np.pi


def lanczos3(w: Any, x: Vector) -> Vector:
    return w[0] * np.exp(-w[1] * x) + w[2] * np.exp(-w[3] * x) + w[4] * np.exp(-w[5] * x)


CURVES = [
    Curve(
        "Misra1a",
        misra1a,
        starts=((500.0, 0.0001), (250.0, 0.0005)),
        minimum=0.12455138894,
        w=(238.94212918, 0.00055015643181),
        x=(
            77.6,
            114.9,
            141.1,
            190.8,
            239.9,
            289,
            332.8,
            378.4,
            434.8,
            477.3,
            536.8,
            593.1,
            689.1,
            760,
        ),
        y=(
            10.07,
            14.73,
            17.94,
            23.93,
            29.61,
            35.18,
            40.02,
            44.82,
            50.76,
            55.05,
            61.01,
            66.4,
            75.47,
            81.78,
        ),
    ),
    Curve(
        "DanWood",
        danwood,
        starts=((1.0, 5.0), (0.7, 4.0)),
        minimum=0.0043173084083,
        w=(0.76886226176, 3.8604055871),
        x=(
            1.309,
            1.471,
            1.49,
            1.565,
            1.611,
            1.68,
        ),
        y=(
            2.138,
            3.421,
            3.597,
            4.34,
            4.882,
            5.66,
        ),
    ),
    Curve(
        "BoxBOD",
        boxbod,
        starts=((1.0, 1.0), (100.0, 0.75)),
        minimum=1168.0088766,
        w=(213.80940889, 0.54723748542),
        x=(
            1,
            2,
            3,
            5,
            7,
            10,
        ),
        y=(
            109,
            149,
            149,
            191,
            213,
            224,
        ),
    ),
    Curve(
        "Rat42",
        rat42,
        starts=((100.0, 1.0, 0.1), (75.0, 2.5, 0.07)),
        minimum=8.0565229338,
        w=(72.462237576, 2.6180768402, 0.067359200066),
        x=(
            9,
            14,
            21,
            28,
            42,
            57,
            63,
            70,
            79,
        ),
        y=(
            8.93,
            10.8,
            18.59,
            22.33,
            39.35,
            56.11,
            61.73,
            64.62,
            67.08,
        ),
    ),
    Curve(
        "Rat43",
        rat43,
        starts=((100.0, 10.0, 1.0, 1.0), (700.0, 5.0, 0.75, 1.3)),
        minimum=8786.404908,
        w=(699.6415127, 5.2771253025, 0.75962938329, 1.2792483859),
        x=(
            1,
            2,
            3,
            4,
            5,
            6,
            7,
            8,
            9,
            10,
            11,
            12,
            13,
            14,
            15,
        ),
        y=(
            16.08,
            33.83,
            65.8,
            97.2,
            191.55,
            326.2,
            386.87,
            520.53,
            590.03,
            651.92,
            724.93,
            699.56,
            689.96,
            637.56,
            717.41,
        ),
    ),
    Curve(
        "MGH09",
        mgh09,
        starts=((25.0, 39.0, 41.5, 39.0), (0.25, 0.39, 0.415, 0.39)),
        minimum=0.00030750560385,
        w=(0.19280693458, 0.19128232873, 0.12305650693, 0.13606233068),
        x=(
            4,
            2,
            1,
            0.5,
            0.25,
            0.167,
            0.125,
            0.1,
            0.0833,
            0.0714,
            0.0625,
        ),
        y=(
            0.1957,
            0.1947,
            0.1735,
            0.16,
            0.0844,
            0.0627,
            0.0456,
            0.0342,
            0.0323,
            0.0235,
            0.0246,
        ),
    ),
    Curve(
        "MGH10",
        mgh10,
        starts=((2.0, 400000.0, 25000.0), (0.02, 4000.0, 250.0)),
        minimum=87.945855171,
        w=(0.005609636471, 6181.3463463, 345.22363462),
        x=(
            50,
            55,
            60,
            65,
            70,
            75,
            80,
            85,
            90,
            95,
            100,
            105,
            110,
            115,
            120,
            125,
        ),
        y=(
            34780,
            28610,
            23650,
            19630,
            16370,
            13720,
            11540,
            9744,
            8261,
            7030,
            6005,
            5147,
            4427,
            3820,
            3307,
            2872,
        ),
    ),
    Curve(
        "MGH17",
        mgh17,
        starts=((50.0, 150.0, -100.0, 1.0, 2.0), (0.5, 1.5, -1.0, 0.01, 0.02)),
        minimum=5.4648946975e-05,
        w=(0.37541005211, 1.9358469127, -1.4646871366, 0.01286753464, 0.022122699662),
        x=(
            0,
            10,
            20,
            30,
            40,
            50,
            60,
            70,
            80,
            90,
            100,
            110,
            120,
            130,
            140,
            150,
            160,
            170,
            180,
            190,
            200,
            210,
            220,
            230,
            240,
            250,
            260,
            270,
            280,
            290,
            300,
            310,
            320,
        ),
        y=(
            0.844,
            0.908,
            0.932,
            0.936,
            0.925,
            0.908,
            0.881,
            0.85,
            0.818,
            0.784,
            0.751,
            0.718,
            0.685,
            0.658,
            0.628,
            0.603,
            0.58,
            0.558,
            0.538,
            0.522,
            0.506,
            0.49,
            0.478,
            0.467,
            0.457,
            0.448,
            0.438,
            0.431,
            0.424,
            0.42,
            0.414,
            0.411,
            0.406,
        ),
    ),
    Curve(
        "Eckerle4",
        eckerle4,
        starts=((1.0, 10.0, 500.0), (1.5, 5.0, 450.0)),
        minimum=0.0014635887487,
        w=(1.5543827178, 4.0888321754, 451.54121844),
        x=(
            400,
            405,
            410,
            415,
            420,
            425,
            430,
            435,
            436.5,
            438,
            439.5,
            441,
            442.5,
            444,
            445.5,
            447,
            448.5,
            450,
            451.5,
            453,
            454.5,
            456,
            457.5,
            459,
            460.5,
            462,
            463.5,
            465,
            470,
            475,
            480,
            485,
            490,
            495,
            500,
        ),
        y=(
            0.0001575,
            0.0001699,
            0.000235,
            0.0003102,
            0.0004917,
            0.000871,
            0.0017418,
            0.00464,
            0.0065895,
            0.0097302,
            0.0149002,
            0.023731,
            0.0401683,
            0.0712559,
            0.1264458,
            0.2073413,
            0.2902366,
            0.3445623,
            0.3698049,
            0.3668534,
            0.3106727,
            0.2078154,
            0.1164354,
            0.0616764,
            0.03372,
            0.0194023,
            0.0117831,
            0.0074357,
            0.0022732,
            0.00088,
            0.0004579,
            0.0002345,
            0.0001586,
            0.0001143,
            7.1e-05,
        ),
    ),
    Curve(
        "Thurber",
        thurber,
        starts=((1000.0, 1000.0, 400.0, 40.0, 0.7, 0.3, 0.03), (1300.0, 1500.0, 500.0, 75.0, 1.0, 0.4, 0.05)),
        minimum=5642.7082397,
        w=(1288.13968, 1491.0792535, 583.23836877, 75.416644291, 0.96629502864, 0.39797285797, 0.049727297349),
        x=(
            -3.067,
            -2.981,
            -2.921,
            -2.912,
            -2.84,
            -2.797,
            -2.702,
            -2.699,
            -2.633,
            -2.481,
            -2.363,
            -2.322,
            -1.501,
            -1.46,
            -1.274,
            -1.212,
            -1.1,
            -1.046,
            -0.915,
            -0.714,
            -0.566,
            -0.545,
            -0.4,
            -0.309,
            -0.109,
            -0.103,
            0.01,
            0.119,
            0.377,
            0.79,
            0.963,
            1.006,
            1.115,
            1.572,
            1.841,
            2.047,
            2.2,
        ),
        y=(
            80.574,
            84.248,
            87.264,
            87.195,
            89.076,
            89.608,
            89.868,
            90.101,
            92.405,
            95.854,
            100.696,
            101.06,
            401.672,
            390.724,
            567.534,
            635.316,
            733.054,
            759.087,
            894.206,
            990.785,
            1090.109,
            1080.914,
            1122.643,
            1178.351,
            1260.531,
            1273.514,
            1288.339,
            1327.543,
            1353.863,
            1414.509,
            1425.208,
            1421.384,
            1442.962,
            1464.35,
            1468.705,
            1447.894,
            1457.628,
        ),
    ),
    Curve(
        "Roszman1",
        roszman1,
        starts=((0.1, -1e-05, 1000.0, -100.0), (0.2, -5e-06, 1200.0, -150.0)),
        minimum=0.00049484847331,
        w=(0.20196866396, -6.1953516256e-06, 1204.4556708, -181.34269537),
        x=(
            -4868.68,
            -4868.09,
            -4867.41,
            -3375.19,
            -3373.14,
            -3372.03,
            -2473.74,
            -2472.35,
            -2469.45,
            -1894.65,
            -1893.4,
            -1497.24,
            -1495.85,
            -1493.41,
            -1208.68,
            -1206.18,
            -1206.04,
            -997.92,
            -996.61,
            -996.31,
            -834.94,
            -834.66,
            -710.03,
            -530.16,
            -464.17,
        ),
        y=(
            0.252429,
            0.252141,
            0.251809,
            0.297989,
            0.296257,
            0.295319,
            0.339603,
            0.337731,
            0.33382,
            0.38951,
            0.386998,
            0.438864,
            0.434887,
            0.427893,
            0.471568,
            0.461699,
            0.461144,
            0.513532,
            0.506641,
            0.505062,
            0.535648,
            0.533726,
            0.568064,
            0.612886,
            0.624169,
        ),
    ),
    Curve(
        "Lanczos3",
        lanczos3,
        starts=((1.2, 0.3, 5.6, 5.5, 6.5, 7.6), (0.5, 0.7, 3.6, 4.2, 4.0, 6.3)),
        minimum=1.6117193594e-08,
        w=(0.086816414977, 0.95498101505, 0.84400777463, 2.9515951832, 1.5825685901, 4.9863565084),
        x=(
            0,
            0.05,
            0.1,
            0.15,
            0.2,
            0.25,
            0.3,
            0.35,
            0.4,
            0.45,
            0.5,
            0.55,
            0.6,
            0.65,
            0.7,
            0.75,
            0.8,
            0.85,
            0.9,
            0.95,
            1,
            1.05,
            1.1,
            1.15,
        ),
        y=(
            2.5134,
            2.0443,
            1.6684,
            1.3664,
            1.1232,
            0.9269,
            0.7679,
            0.6389,
            0.5338,
            0.4479,
            0.3776,
            0.3197,
            0.272,
            0.2325,
            0.1997,
            0.1723,
            0.1493,
            0.1301,
            0.1138,
            0.1,
            0.0883,
            0.0783,
            0.0698,
            0.0624,
        ),
    ),
]


def rosenbrock(w: Vector) -> Vector:
    return np.array([10 * (w[1] - w[0] ** 2), 1 - w[0]])


def freudenstein_roth(w: Vector) -> Vector:
    return np.array([-13 + w[0] + ((5 - w[1]) * w[1] - 2) * w[1], -29 + w[0] + ((w[1] + 1) * w[1] - 14) * w[1]])


def powell_badly_scaled(w: Vector) -> Vector:
    return np.array([1e4 * w[0] * w[1] - 1, np.exp(-w[0]) + np.exp(-w[1]) - 1.0001])


def brown_badly_scaled(w: Vector) -> Vector:
    return np.array([w[0] - 1e6, w[1] - 2e-6, w[0] * w[1] - 2])


def beale(w: Vector) -> Vector:
    return np.array([1.5, 2.25, 2.625]) - w[0] * (1 - w[1] ** np.arange(1, 4))


def jennrich_sampson(w: Vector) -> Vector:
    n = np.arange(1, 11)
    return 2 + 2 * n - (np.exp(n * w[0]) + np.exp(n * w[1]))


def helical_valley(w: Vector) -> Vector:
    turns = np.arctan(w[1] / w[0]) / (2 * np.pi) + (0.5 if np.real(w[0]) < 0 else 0)
    return np.array([10 * (w[2] - 10 * turns), 10 * (np.sqrt(w[0] ** 2 + w[1] ** 2) - 1), w[2]])


BARD_Y = np.array([0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39])


def bard(w: Vector) -> Vector:
    u = np.arange(1, 16)
    v = 16 - u
    return BARD_Y - (w[0] + u / (v * w[1] + np.minimum(u, v) * w[2]))


def box(w: Vector) -> Vector:
    s = 0.1 * np.arange(1, 11)
    return np.exp(-s * w[0]) - np.exp(-s * w[1]) - w[2] * (np.exp(-s) - np.exp(-10 * s))


def powell_singular(w: Vector) -> Vector:
    return np.array(
        [w[0] + 10 * w[1], np.sqrt(5) * (w[2] - w[3]), (w[1] - 2 * w[2]) ** 2, np.sqrt(10) * (w[0] - w[3]) ** 2]
    )


def wood(w: Vector) -> Vector:
    return np.array(
        [
            10 * (w[1] - w[0] ** 2),
            1 - w[0],
            np.sqrt(90) * (w[3] - w[2] ** 2),
            1 - w[2],
            np.sqrt(10) * (w[1] + w[3] - 2),
            (w[1] - w[3]) / np.sqrt(10),
        ]
    )


def brown_dennis(w: Vector) -> Vector:
    s = np.arange(1, 21) / 5
    return (w[0] + s * w[1] - np.exp(s)) ** 2 + (w[2] + w[3] * np.sin(s) - np.cos(s)) ** 2


def biggs(w: Vector) -> Vector:
    s = 0.1 * np.arange(1, 14)
    y = np.exp(-s) - 5 * np.exp(-10 * s) + 3 * np.exp(-4 * s)
    return w[2] * np.exp(-s * w[0]) - w[3] * np.exp(-s * w[1]) + w[5] * np.exp(-s * w[4]) - y


def watson(w: Vector) -> Vector:
    s = np.arange(1, 30)[:, None] / 29
    j = np.arange(len(w))
    slope = ((j * s ** np.maximum(j - 1, 0)) * w).sum(axis=1)
    value = (s**j * w).sum(axis=1)
    return np.concatenate([slope - value**2 - 1, [w[0], w[1] - w[0] ** 2 - 1]])


FUNCTIONS: list[tuple[str, Residuals, tuple[float, ...], tuple[float, ...]]] = [
    ("Rosenbrock", rosenbrock, (-1.2, 1.0), (0.0,)),
    ("Freudenstein-Roth", freudenstein_roth, (0.5, -2.0), (0.0, 48.9842)),
    ("Powell badly scaled", powell_badly_scaled, (0.0, 1.0), (0.0,)),
    ("Brown badly scaled", brown_badly_scaled, (1.0, 1.0), (0.0,)),
    ("Beale", beale, (1.0, 1.0), (0.0,)),
    ("Jennrich-Sampson", jennrich_sampson, (0.3, 0.4), (124.36218235561,)),
    ("Helical valley", helical_valley, (-1.0, 0.0, 0.0), (0.0,)),
    ("Bard", bard, (1.0, 1.0, 1.0), (8.2148773065790e-3, 17.4286)),
    ("Box", box, (0.0, 10.0, 20.0), (0.0,)),
    ("Powell singular", powell_singular, (3.0, -1.0, 0.0, 1.0), (0.0,)),
    ("Wood", wood, (-3.0, -1.0, -3.0, -1.0), (0.0,)),
    ("Brown-Dennis", brown_dennis, (25.0, 5.0, -5.0, -1.0), (85822.20162635628,)),
    ("Biggs", biggs, (1.0, 2.0, 1.0, 1.0, 1.0, 1.0), (0.0, 5.65565e-3)),
    ("Watson", watson, (0.0,) * 6, (2.28767005355e-3,)),
    ("Watson", watson, (0.0,) * 9, (1.399760138e-6,)),
]


def far(scales: tuple[float, ...] = (1.0, 10.0, 100.0)) -> Iterator[Problem]:
    """The functions from their first start and from multiples of it, where there are any."""
    for name, residuals, start, minima in FUNCTIONS:
        for scale in scales if any(start) else (1.0,):
            yield Problem(
                f"{name} {len(start)}, start times {scale:g}", residuals, tuple(scale * s for s in start), minima
            )


PROBLEMS = [*(problem for curve in CURVES for problem in curve.problems()), *far()]
