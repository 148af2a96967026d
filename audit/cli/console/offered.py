"""What an installed package offers under an entry point, loaded: one offer and no more."""

from __future__ import annotations

from audit.errors import AuditError

__all__ = ["nothing_of_the_kind", "offered"]


def offered(group: str, name: str, what: str) -> object:
    """The one thing that an installed package offers.

    Parameters
    ----------
    group, name : str
        Of the entry point.
    what : str
        What it is called in a message: "a portal", "figures".

    Raises
    ------
    AuditError
        None is offered, more than one, or it cannot be loaded.
    """
    from importlib.metadata import entry_points

    offers = {(offer.value, offer.dist.name if offer.dist else ""): offer for offer in entry_points(group=group)}
    named = [offer for offer in offers.values() if offer.name == name]
    if len(named) != 1:
        many = "more than one installed package offers" if named else "no installed package offers"
        raise AuditError(f"{many} {what}", slug="not-offered", hint="reinstall audit7k")
    try:
        made = named[0].load()
        return made() if isinstance(made, type) else made
    except (Exception, SystemExit) as error:
        raise AuditError(
            f"what is offered as {what} cannot be loaded ({type(error).__name__})",
            slug="not-offered",
            hint="start audit7k from another folder, or reinstall it",
        ) from error


def nothing_of_the_kind(what: str) -> AuditError:
    """The error for an offer that is something else."""
    return AuditError(f"what is offered as {what} is none", slug="not-offered", hint="reinstall audit7k")
