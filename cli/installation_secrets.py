"""An installation's own passwords and keys: made once, and given to each process that needs them.

`python3 -m cli.installation_secrets /secrets` makes what is missing in `/secrets/all` and writes a folder
for each process, such as `/secrets/accounts`, whose files are its `SECRETS_DIR`. Safe to repeat.
"""

import datetime
import ipaddress
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cli.broker_rights import COOKIE, GATEWAY, MIGRATE, OPERATIONS, USERS
from cli.support.errors import handle_errors
from cli.support.terminal import screen
from kit.security.keys import generate_signing_key, public_key_of
from kit.security.strength import weakness_of_password
from kit.settings import BadSetting, Common, load
from services.registry import NAMES

ALL = "all"  # the folder of the originals
ACCOUNTS, WEB, TLS = "accounts", "web", "tls"
OPERATOR_SERVICE = "operator"  # what Compose calls the process that signs in as `operations`
CERTIFICATE = "certificate.pem"
CERTIFICATE_DAYS = 3650
DATABASE_USERS = tuple(user for user in USERS if user != GATEWAY)
Contents = Mapping[str, str]


def passwords() -> list[str]:
    """The names of the passwords of servers and of everybody who signs in there."""
    broker = ["RABBITMQ_PASSWORD", *(f"RABBITMQ_PASSWORD_{user.upper()}" for user in USERS)]
    databases = ["POSTGRES_PASSWORD", *(f"POSTGRES_PASSWORD_{user.upper()}" for user in DATABASE_USERS)]
    return [*broker, *databases, COOKIE]


def makers() -> dict[str, Callable[[], str]]:
    """By name, how each secret of an installation is made."""
    made: dict[str, Callable[[], str]] = dict.fromkeys(
        [*passwords(), "SESSION_SECRET", "WEB_SECRET"], _random
    )
    return {**made, "TOKEN_SIGNING_KEY": generate_signing_key, CERTIFICATE: _certificate}


def shares(originals: Contents) -> dict[str, Contents]:
    """What each process is given, by its name: its own secrets only."""
    broker = {name: value for name, value in originals.items() if name.startswith("RABBITMQ_")}
    databases = {name: value for name, value in originals.items() if name.startswith("POSTGRES_")}
    keys = {"TOKEN_PUBLIC_KEYS": public_key_of(originals["TOKEN_SIGNING_KEY"])}
    given: dict[str, Contents] = {
        name: keys | _signing_in(user, originals) for name, user in _on_the_broker().items()
    }
    given[ACCOUNTS] = {**given[ACCOUNTS], **_only(originals, "TOKEN_SIGNING_KEY", "SESSION_SECRET")}
    server = {"RABBITMQ_DEFAULT_PASS": originals["RABBITMQ_PASSWORD"], COOKIE: originals[COOKIE]}
    return {
        **given,
        WEB: _only(originals, "WEB_SECRET"),
        TLS: _only(originals, CERTIFICATE),
        "rabbitmq": server,
        "broker-rights": broker,
        "postgres": _only(originals, "POSTGRES_PASSWORD"),
        "database-rights": databases,
    }


def make_missing(folder: Path) -> Contents:
    """Every secret, those that are there as they are."""
    for name, make in makers().items():
        if not (folder / name).exists():
            _write(folder / name, make(), 0o600)
    return {name: (folder / name).read_text().rstrip("\n") for name in makers()}


def write_secrets(folder: Path, contents: Contents) -> None:
    """Writes what a process may read; its folder holds nothing else."""
    for name, value in contents.items():
        _write(folder / name, value, 0o444)  # processes have different users, and only one has the folder


@click.command()
@click.argument("root", type=click.Path(file_okay=False, path_type=Path))
def main(root: Path) -> None:
    """Makes what is missing under ROOT and gives each process its own. Exit code 2: a password is bad."""
    with handle_errors():
        _check_given(load(Common).is_production)
        originals = make_missing(root / ALL)
        for process, contents in shares(originals).items():
            write_secrets(root / process, contents)
        screen().print(f"{len(originals)} secrets of this installation are there")


def _check_given(is_production: bool) -> None:
    """Refuses at the very beginning what a server would be made with."""
    for name in passwords():
        given = os.environ.get(name, "")
        if given and is_production and (why := weakness_of_password(given)):
            raise BadSetting(f"{name}: production refuses the password, since it {why}")


def _on_the_broker() -> dict[str, str]:
    users = {name: name for name in (*NAMES, GATEWAY, MIGRATE)}
    return {**users, OPERATOR_SERVICE: OPERATIONS}


def _signing_in(user: str, originals: Contents) -> dict[str, str]:
    own = {"AMQP_PASSWORD": originals[f"RABBITMQ_PASSWORD_{user.upper()}"]}
    if user in DATABASE_USERS:
        own["DATABASE_PASSWORD"] = originals[f"POSTGRES_PASSWORD_{user.upper()}"]
    return own


def _only(originals: Contents, *names: str) -> dict[str, str]:
    return {name: originals[name] for name in names}


def _random() -> str:
    return secrets.token_hex(24)


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(descriptor, "w") as file:
        file.write(text)
    unfinished.chmod(mode)
    unfinished.rename(path)


def _certificate() -> str:
    """A certificate of this machine's own for localhost, with its key, for trials with https."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    addresses: Iterable[str] = ("127.0.0.1", "::1")
    names = [x509.DNSName("localhost"), *(x509.IPAddress(ipaddress.ip_address(one)) for one in addresses)]
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=CERTIFICATE_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    return (signed.public_bytes(pem) + private).decode()


if __name__ == "__main__":
    main()
