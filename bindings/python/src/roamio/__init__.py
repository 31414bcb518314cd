"""Socket.IO, and Open WebRTC Toolkit conferences that survive changes of the network.

    async with roamio.Conference() as conference:
        await conference.login(token)
        async for event in conference.events():
            ...

    async with roamio.connect("https://example.com/chat") as socket:
        [who] = await socket.emit_with_ack("who")

Everything belongs to the asyncio loop it was made in: handlers and streams run there, one event at a
time and in order. The network has a thread of its own, so a busy loop delays events, not
heartbeats.
"""

from . import owt
from ._bridge import (
    CertificateProblem,
    ConferenceOptions,
    ConferenceState,
    ConnectionOptions,
    DisconnectReason,
    ErrorCode,
    ErrorLayer,
    LimitOptions,
    ManagerOptions,
    ManagerState,
    Opening,
    Parser,
    Participant,
    PortalProtocol,
    ReconnectOptions,
    RetriesOptions,
    Retry,
    Revision,
    Room,
    SequenceBase,
    SocketHook,
    SocketOptions,
    SocketPurpose,
    SocketState,
    Stats,
    Stream,
    Target,
    TimeoutOptions,
    TlsOptions,
    TlsVersion,
    TraceSink,
    Transport,
    TransportExtra,
    TransportOptions,
    version,
)
from .choices import ClientCertificate, Offline
from .codec import Json
from .conference import Conference, ConferenceEvent
from .connect import connect
from .errors import (
    CallError,
    ConferenceError,
    EngineError,
    RoamioError,
    SocketError,
    TransportError,
)
from .events import (
    ConferenceStateChanged,
    ConnectFailed,
    Dropped,
    Event,
    Gap,
    HostSlow,
    ManagerStateChanged,
    Migrated,
    Notification,
    ProtocolError,
    Rejoined,
    Resumable,
    Resumed,
    Retrying,
    Sent,
    SocketStateChanged,
    TokenWanted,
    TransportChanged,
    UpgradeFailed,
)
from .log import log_to
from .manager import Manager, ManagerEvent
from .registry import Registry
from .socket import Socket, SocketEvent
from .stream import EventStream

__version__ = version()

__all__ = [
    "CallError",
    "CertificateProblem",
    "ClientCertificate",
    "Conference",
    "ConferenceError",
    "ConferenceEvent",
    "ConferenceOptions",
    "ConferenceState",
    "ConferenceStateChanged",
    "ConnectFailed",
    "ConnectionOptions",
    "DisconnectReason",
    "Dropped",
    "EngineError",
    "ErrorCode",
    "ErrorLayer",
    "Event",
    "EventStream",
    "Gap",
    "HostSlow",
    "Json",
    "LimitOptions",
    "Manager",
    "ManagerEvent",
    "ManagerOptions",
    "ManagerState",
    "ManagerStateChanged",
    "Migrated",
    "Notification",
    "Offline",
    "Opening",
    "Parser",
    "Participant",
    "PortalProtocol",
    "ProtocolError",
    "ReconnectOptions",
    "Registry",
    "Rejoined",
    "Resumable",
    "Resumed",
    "RetriesOptions",
    "Retry",
    "Retrying",
    "Revision",
    "RoamioError",
    "Room",
    "Sent",
    "SequenceBase",
    "Socket",
    "SocketError",
    "SocketEvent",
    "SocketHook",
    "SocketOptions",
    "SocketPurpose",
    "SocketState",
    "SocketStateChanged",
    "Stats",
    "Stream",
    "Target",
    "TimeoutOptions",
    "TlsOptions",
    "TlsVersion",
    "TokenWanted",
    "TraceSink",
    "Transport",
    "TransportChanged",
    "TransportError",
    "TransportExtra",
    "TransportOptions",
    "UpgradeFailed",
    "connect",
    "log_to",
    "owt",
    "version",
]
