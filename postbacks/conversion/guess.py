"""Which network a template comes from, where its macros leave no doubt. Pure."""

from postbacks.conversion.brackets import macros_in, stands_alone
from postbacks.conversion.engine import gaps_in, ours_in
from postbacks.conversion.modifiers import named
from postbacks.conversion.networks import IMPACT, NETWORKS
from postbacks.conversion.outcome import ConversionError
from postbacks.conversion.tables import Brackets, Network


def guessed(text: str) -> str:
    """The key of the only network whose table has all that the text holds. Raises `ConversionError`."""
    if ours_in(text):
        return IMPACT
    fitting = [each for each in NETWORKS.values() if _fits(text, each)]
    if len(fitting) == 1:
        return fitting[0].key
    if fitting:
        names = ", ".join(each.name for each in fitting)
        raise ConversionError(f"Its macros may be of several networks: {names}. Choose the one that it comes from.")
    raise ConversionError("No network documents all of its macros. Choose the network that it comes from.")


def _fits(text: str, network: Network) -> bool:
    gaps = {(start, end): key for key, gap, start, end in gaps_in(text) if gap and not _is_macro(network, gap)}
    if gaps and not all(key in network.parameters for key in gaps.values()):
        return False
    in_gaps = {index for start, end in gaps for index in range(start, end)}
    some = bool(gaps)
    for each in macros_in(text, network.brackets):
        if each.start in in_gaps or (network.brackets is Brackets.PARENTHESES and not stands_alone(text, each)):
            continue
        if named(network, each) is None:
            return False
        some = True
    return some


def _is_macro(network: Network, gap: str) -> bool:
    return any(named(network, each) for each in macros_in(gap, network.brackets))
