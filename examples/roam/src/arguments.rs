//! The words of the command line.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use roamio::config::{
    CommonConfig, Endpoint, ManagerConfig, PortalProtocol, Proxy, Revision, TraceSink, Transport,
};
use roamio::error::Result;
use roamio::secret::Secret;

use crate::jsonl::tls::trust;
use crate::secrets;
use crate::words::Words;

/// Socket.IO and conference signalling that survive network changes, from the command line.
#[derive(Debug, Parser)]
#[command(name = "roam", version, disable_help_subcommand = true, max_term_width = 100)]
#[command(after_help = "`roam help TOPIC` tells more: connect, login, doctor, jsonl.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Join a namespace of a Socket.IO server, and talk.
    Connect(Connect),
    /// Log in to the conference that a token is for.
    Login(Login),
    /// Find out why a connection does not work, or how well it does.
    Doctor(Doctor),
    /// JSON lines in and out, for scripts and tests.
    Jsonl,
    /// Explain a topic: connect, login, doctor, jsonl.
    Help {
        /// What to explain; everything in short if it is not given.
        topic: Option<String>,
    },
}

/// How servers are reached.
#[derive(Debug, Args)]
pub(crate) struct Connection {
    /// A header of every request, `Name: value`; may be repeated.
    #[arg(long, value_name = "HEADER")]
    header: Vec<String>,
    /// `http://[user:password@]host[:port]` or `socks5://...`
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// Trust the certificates of this PEM file, too.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The name to send and to check in place of the host's.
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Accept any certificate. For development only.
    #[arg(long)]
    insecure: bool,
    /// Use only this transport: websocket, polling. Repeated: in this order.
    #[arg(long, value_parser = Transport::of)]
    transport: Vec<Transport>,
    /// The revision of Engine.IO: 4, 3, auto.
    #[arg(long, value_parser = Revision::of, default_value = "auto")]
    revision: Revision,
    /// Write a trace of everything into this file.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
}

impl Connection {
    /// The options of the library.
    ///
    /// # Errors
    /// What cannot be used.
    pub(crate) fn common(&self) -> Result<CommonConfig> {
        let mut common = CommonConfig::default();
        for header in &self.header {
            let (name, value) = header.split_once(':').unwrap_or((header, ""));
            common.add_header(name.trim(), value.trim())?;
        }
        common.proxy = self.proxy.as_deref().map(Proxy::parse).transpose()?;
        if let Some(file) = &self.ca {
            trust(&mut common.tls, file)?;
        }
        common.tls.server_name.clone_from(&self.server_name);
        common.tls.dangerously_accept_anything = self.insecure;
        if !self.transport.is_empty() {
            common.transports.order.clone_from(&self.transport);
        }
        common.transports.revision = self.revision;
        common.trace = self.trace.as_ref().map(TraceSink::file);
        Ok(common)
    }
}

/// A Socket.IO server and a namespace of it.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// `http(s)://host[:port][/namespace][?query]`; https if there is no scheme.
    pub(crate) url: String,
    /// The HTTP path of the server.
    #[arg(long, default_value = roamio::config::DEFAULT_PATH)]
    pub(crate) path: String,
    /// The auth payload, a JSON object, or the file that has it.
    #[arg(long, value_name = "JSON|FILE")]
    pub(crate) auth: Option<String>,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

impl Place {
    /// The options of a manager, and the namespace.
    ///
    /// # Errors
    /// What cannot be used.
    pub(crate) fn config(&self) -> Result<(ManagerConfig, String)> {
        let scheme = if self.url.contains("://") { "" } else { "https://" };
        let (mut endpoint, namespace) = Endpoint::parse(&format!("{scheme}{}", self.url))?;
        endpoint.path.clone_from(&self.path);
        let mut config = ManagerConfig::new(endpoint);
        config.common = self.connection.common()?;
        Ok((config, namespace))
    }

    /// The auth payload.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn auth(&self) -> Result<Option<Secret>> {
        let text = |word: &String| match word.trim_start().starts_with('{') {
            true => Ok(Secret::new(word.as_str())),
            false => secrets::read(Path::new(word)),
        };
        self.auth.as_ref().map(text).transpose()
    }
}

/// `roam connect`.
#[derive(Debug, Args)]
pub(crate) struct Connect {
    #[command(flatten)]
    pub(crate) place: Place,
}

/// `roam login`.
#[derive(Debug, Args)]
pub(crate) struct Login {
    /// The token, the file that has it, or `-` for the first line of the input.
    pub(crate) token: String,
    /// The protocol of the portal: 1.2, 1.1, 1.0, legacy.
    #[arg(long, value_parser = PortalProtocol::of, default_value = "1.2")]
    pub(crate) protocol: PortalProtocol,
    /// Without TLS to another machine, where the token says so.
    #[arg(long)]
    pub(crate) allow_plaintext: bool,
    /// TOKEN is an exported session, which is resumed.
    #[arg(long)]
    pub(crate) restore: bool,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// `roam doctor`.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) place: Place,
    /// One JSON object in place of a table.
    #[arg(long)]
    pub(crate) json: bool,
}
