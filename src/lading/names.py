"""Names of containers: 64-hex ids, short ids, the rule for names, and generated ones.

Loaded in the thin command line, so it imports nothing heavy; the rule is written out by hand
because `re` alone would cost several milliseconds.
"""

from __future__ import annotations

import os

from lading.errors import InvalidArgument

TYPE_CHECKING = False  # the name that type checkers know; `typing` is not loaded for it
if TYPE_CHECKING:
    from collections.abc import Callable

ID_LENGTH = 64
SHORT_ID_LENGTH = 12  # what `ps` shows and what a default host name is

_DIGITS = frozenset("0123456789")
_FIRST = _DIGITS | frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_REST = _FIRST | frozenset("_.-")

ADJECTIVES = """
able adept agile airy alert amber ample apt ardent arctic astute austere autumn awake azure balmy
basalt bold brave breezy brief bright brisk bronze calm candid careful cedar cheery civil clear
clever coastal cobalt cogent copper coral cordial cosmic crisp curious dapper daring deft dewy
diligent distant dreamy eager early earnest easy elated emerald even exact fair faithful famous
fearless fervent fine firm fluent fond frank fresh frosty gallant genial gentle gifted glad golden
graceful grand grateful hardy hazel hearty helpful honest humble indigo ivory jaunty jolly jovial
joyous keen kind lively lofty loyal lucid lunar magnetic mellow merry mighty mindful mirthful
modest mossy neat nimble noble northern novel oaken opal orderly patient pearly peppy placid
plucky polar polite precise proud prudent quick quiet radiant ready robust rosy rustic sage sandy
serene sharp silent silver sincere snowy sober solar solid spry stable stalwart starry steady
sterling still stout sturdy subtle sunny supple swift tall tender thorough tidal tidy timely topaz
tranquil trusty upbeat urbane valiant velvet verdant vernal vigilant vivid warm wise witty woven
zesty
"""

# Surnames of people who found, proved or built something that can be looked up.
SURNAMES = """
abbe abel airy aitken alfven ampere anderson anning arago archimedes armstrong arrhenius artin
audubon avogadro babbage backus baird banach bardeen becquerel bell bernoulli bessel blackburn
bohr boltzmann boole born bose boyle bragg brahe brahmagupta brattain brewster brunel cannon
cantor carnot carver cauchy cavendish chandrasekhar chebyshev clausius compton conway copernicus
coriolis coulomb crick curie daimler dalton davy dedekind descartes diesel dijkstra diophantus
dirac doppler eckert edison ehrlich einstein eratosthenes erdos euclid euler faraday fermat fermi
fibonacci fleming foucault fourier franklin fraunhofer fresnel galileo galois galvani gauss
germain gibbs goddard godel golgi haber hadamard halley hamilton harvey hawking heaviside
heisenberg helmholtz henry hero herschel hertz higgs hilbert hodgkin hooke hopper hubble huffman
huygens hypatia jacobi jacquard jenner joliot joule kalman kapitsa karle kelvin kepler khayyam
khwarizmi kilby kirchhoff knuth koch kolmogorov kovalevskaya kurchatov lagrange lamarr landau
laplace lavoisier leavitt leibniz lindbladh linnaeus lister lorentz lovelace lumiere mach marconi
maxwell mayer mcclintock meitner mendel mendeleev mercator michelson millikan minkowski mirzakhani
morse nagaoka napier nash newcomen newton nightingale nobel noether oersted ohm oppenheimer otto
pascal pasteur pauli pavlov payne penrose perkin planck poincare poisson popov priestley ptolemy
purkinje raman ramanujan ramsay rayleigh riemann roemer rontgen rutherford sabin salk schrodinger
shannon shockley siemens sikorsky snell somerville stephenson stokes strutt szilard tarski telford
tesla thales torricelli trevithick turing tycho vesalius volta wallace watson watt weber wegener
wheatstone whittle wien wigner wright wu yalow young yukawa zeeman zeppelin zernike zuse
"""


class InvalidContainerName(InvalidArgument):
    """Invalid container name ({0}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"""


def new_id(random: Callable[[int], bytes] = os.urandom) -> str:
    """A new id: 64 lower-case hex digits.

    One whose first twelve are all digits is thrown away: as a host name that would be a number.
    """
    while True:
        made = random(ID_LENGTH // 2).hex()
        if not _DIGITS.issuperset(made[:SHORT_ID_LENGTH]):
            return made


def short_id(full: str) -> str:
    """The twelve digits people see; an algorithm in front (`sha256:`) is taken off."""
    return full.rpartition(":")[2][:SHORT_ID_LENGTH]


def is_name(text: str) -> bool:
    """Whether this can name a container: [a-zA-Z0-9][a-zA-Z0-9_.-]+, so two characters at least."""
    return len(text) > 1 and text[0] in _FIRST and _REST.issuperset(text)


def check_name(text: str) -> str:
    """The name without the slash some clients put in front. Raises InvalidContainerName."""
    name = text.removeprefix("/")
    if not is_name(name):
        raise InvalidContainerName(text)
    return name


def generate_name(attempt: int = 0, random: Callable[[int], bytes] = os.urandom) -> str:
    """A name such as `calm_noether`; from the second attempt on with a digit behind it."""
    digit = str(random(1)[0] % 10) if attempt > 0 else ""
    return f"{_pick(ADJECTIVES, random)}_{_pick(SURNAMES, random)}{digit}"


def _pick(words: str, random: Callable[[int], bytes]) -> str:
    listed = words.split()  # split on use: most programs that import this never need the lists
    return listed[int.from_bytes(random(4), "big") % len(listed)]
