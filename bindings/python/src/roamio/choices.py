"""Choices that carry something."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from . import _bridge


class Offline:
    """What becomes of an event that cannot be written at once."""

    @staticmethod
    def wait() -> _bridge.OfflinePolicy:
        """It waits until the namespace is joined; the default."""
        return _offline(_bridge.OfflinePolicy.WAIT)

    @staticmethod
    def wait_for(limit: timedelta) -> _bridge.OfflinePolicy:
        """It waits so long, then it is dropped."""
        return _offline(_bridge.OfflinePolicy.WAIT_FOR, limit)

    @staticmethod
    def latest(key: str) -> _bridge.OfflinePolicy:
        """It waits, and a newer one with the same key takes its place."""
        return _offline(_bridge.OfflinePolicy.LATEST, key)

    @staticmethod
    def fail() -> _bridge.OfflinePolicy:
        """It is dropped unless the namespace is joined."""
        return _offline(_bridge.OfflinePolicy.FAIL)

    @staticmethod
    def volatile() -> _bridge.OfflinePolicy:
        """It is dropped unless it can be written at once."""
        return _offline(_bridge.OfflinePolicy.VOLATILE)


class ClientCertificate:
    """A client certificate with its key, for `TlsOptions`."""

    @staticmethod
    def pem(certificates: str, key: str) -> _bridge.ClientCertificate:
        """PEM texts: the certificate and those that it needs; its key, PKCS#8, not encrypted."""
        made = _bridge.ClientCertificate.PEM(certificates, key)
        return cast(_bridge.ClientCertificate, made)

    @staticmethod
    def pkcs12(archive: bytes, password: str) -> _bridge.ClientCertificate:
        """A PKCS#12 archive and its password."""
        made = _bridge.ClientCertificate.PKCS12(archive, password)
        return cast(_bridge.ClientCertificate, made)


def _offline(kind: type, *args: object) -> _bridge.OfflinePolicy:
    # The generated variants are subclasses, which their declaration does not say.
    return cast(_bridge.OfflinePolicy, kind(*args))
