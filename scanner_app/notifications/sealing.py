"""Seal secrets before they are stored, with a key that is not in the database.

The keys are settings.SCANNER_CHANNEL_KEYS: the first one seals, every one opens, so that a key can be changed.
"""

import base64
from functools import lru_cache

from django.conf import settings

from scanner_app.domain.errors import ScannerError

LOST = (
    "its address can't be read: it was stored with another key (SCANNER_CHANNEL_KEY, else SECRET_KEY, else the file "
    "channel-key in DATA_DIR). Bring that key back, or set the channel's address again"
)
"""What to do when a secret was sealed with a key that is not here."""


class KeyLost(ScannerError):
    """A secret was sealed with a key that this installation does not have."""


def seal(secret: str) -> str:
    """The secret as it may be stored."""
    return str(_box(tuple(settings.SCANNER_CHANNEL_KEYS)).encrypt(secret.encode()).decode("ascii"))


def unseal(sealed: str) -> str:
    """The secret that was sealed. Raises KeyLost."""
    # Imported here, as below: it costs memory that only processes with channels should pay.
    from cryptography.fernet import InvalidToken  # noqa: PLC0415

    try:
        return str(_box(tuple(settings.SCANNER_CHANNEL_KEYS)).decrypt(sealed.encode("ascii")).decode())
    except InvalidToken:
        raise KeyLost(LOST) from None


@lru_cache(maxsize=4)
def _box(keys: tuple[str, ...]):  # type: ignore[no-untyped-def] # the type is the library's, which is imported late
    from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415

    return MultiFernet([Fernet(_fernet_key(key)) for key in keys])


def _fernet_key(text: str) -> bytes:
    """Fernet's key of 32 bytes from a text that is long and random, but of any form."""
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"market-scanner channels").derive(text.encode())
    return base64.urlsafe_b64encode(derived)
