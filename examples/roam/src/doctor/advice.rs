//! What an error means to somebody who wants a connection.

use roamio::error::{CertificateProblem, Code, Error};

/// The likely cause, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Advice {
    pub(super) cause: &'static str,
    pub(super) advice: &'static str,
}

const fn advice(cause: &'static str, advice: &'static str) -> Advice {
    Advice { cause, advice }
}

impl Advice {
    /// For an error of any step.
    pub(super) fn of(error: &Error) -> Self {
        match error.code() {
            Code::TlsCertificate => Self::of_certificate(error.certificate()),
            Code::HttpStatus => Self::of_status(error.http_status()),
            code => Self::of_code(code),
        }
    }

    const fn of_code(code: Code) -> Self {
        match code {
            Code::Dns => advice(
                "the name does not exist, or no name server answers",
                "check the spelling; look the name up elsewhere; check the network and its name server",
            ),
            Code::Connect => advice(
                "nobody listens on this port, or a firewall refuses",
                "check the port and that the server runs; try from another network",
            ),
            Code::ConnectTimeout => advice(
                "something on the way swallows what is sent, or the server hangs",
                "check firewalls and the server's load; try from another network",
            ),
            Code::Proxy => advice(
                "the proxy cannot be reached, or does not let this connection through",
                "check the proxy's address and credentials, and whether it allows this host and port",
            ),
            Code::TlsHandshake => advice(
                "the server does not speak TLS on this port, or no version or client certificate that fits",
                "try http:// in place of https://, check the port and the server's TLS versions",
            ),
            Code::NetworkLost => advice(
                "the other side, or something between, has cut the connection",
                "try http:// in place of https:// or the other way round; check proxies and firewalls between",
            ),
            Code::Websocket => advice(
                "what answers is no WebSocket server, or something between changes the answer",
                "let proxies pass `Upgrade` and `Connection` on (nginx: proxy_set_header)",
            ),
            Code::Handshake => advice(
                "what answers is no Engine.IO server: another service, or a login page of the network",
                "check host and --path; open the URL in a browser",
            ),
            Code::EngineRevision => advice(
                "the server speaks another revision of Engine.IO",
                "use --revision auto, or 3 for servers of version 2 and 4 for newer ones",
            ),
            Code::UnknownSid => advice(
                "several servers share the address, and requests of one session reach different ones",
                "let the load balancer send a client to the same server (sticky sessions)",
            ),
            Code::Upgrade => advice(
                "WebSocket does not get through behind this address",
                "let proxies pass `Upgrade` and `Connection` on (nginx: proxy_set_header)",
            ),
            Code::ConnectError => advice(
                "the server does not let this client into the namespace",
                "check the namespace (the path of the URL) and --auth",
            ),
            Code::TimedOut => {
                advice("the server does not answer", "check the server's log and load")
            }
            _ => advice(
                "not known",
                "`roam connect URL --trace FILE` writes everything down, as docs/trace.md explains",
            ),
        }
    }

    const fn of_certificate(problem: Option<CertificateProblem>) -> Self {
        match problem {
            Some(CertificateProblem::Expired) => advice(
                "the certificate has expired, or this device's clock is ahead",
                "renew the certificate; check the date here",
            ),
            Some(CertificateProblem::NotYetValid) => advice(
                "the certificate is not yet valid, or this device's clock is behind",
                "check the date here and on the machine that issued the certificate",
            ),
            Some(CertificateProblem::SelfSigned) => advice(
                "the certificate is self-signed, and nothing says that it is to be trusted",
                "use one of a known authority, or trust this one: --ca FILE",
            ),
            Some(CertificateProblem::UnknownIssuer) => advice(
                "the issuer is unknown here, or the server does not send the certificates between",
                "let the server send its whole chain, or trust the issuer: --ca FILE",
            ),
            Some(CertificateProblem::WrongHost) => advice(
                "the certificate is for another host",
                "use a host name of the certificate, or say which one to expect: --server-name NAME",
            ),
            Some(CertificateProblem::Revoked) => {
                advice("the issuer has taken the certificate back", "get a new certificate")
            }
            _ => advice(
                "the certificate is not accepted",
                "look at the certificate; --ca FILE trusts one more",
            ),
        }
    }

    const fn of_status(status: Option<u16>) -> Self {
        match status {
            Some(401 | 403) => advice(
                "the server, or something before it, wants to know who asks",
                "give what it wants with --header",
            ),
            Some(404) => advice(
                "there is an HTTP server, but no Socket.IO server at this path",
                "check host, port and --path",
            ),
            Some(502..=504) => advice(
                "a proxy before the server does not reach it",
                "check that the server runs, and where the proxy looks for it",
            ),
            _ => advice(
                "what answers does not take this transport, or is no Socket.IO server",
                "check host, port and --path, and what the server and proxies before it allow",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_of_a_certificate_is_named() {
        for (problem, word) in [
            (CertificateProblem::Expired, "expired"),
            (CertificateProblem::NotYetValid, "not yet valid"),
            (CertificateProblem::SelfSigned, "self-signed"),
            (CertificateProblem::UnknownIssuer, "issuer is unknown"),
            (CertificateProblem::WrongHost, "another host"),
        ] {
            let error = Error::from(Code::TlsCertificate).with_certificate(problem);
            assert!(Advice::of(&error).cause.contains(word), "{word}");
        }
    }
}
