//! The words of the command line as a configuration, for the program and for tests alike.

use std::{fs, str::FromStr, time::Duration};

use super::{ServerConfig, TlsIdentity};

impl ServerConfig {
    /// Read the options of the program, `roamio-portal --help` has them, in any order.
    ///
    /// # Errors
    ///
    /// A sentence about the first word that cannot be used, or a file that cannot be read.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut words = words.into_iter();
        let mut config = Self::default();
        let (mut interval, mut timeout) = (None, None);
        let (mut certificate, mut key) = (None, None);
        let mut switches = Vec::new();
        while let Some(option) = words.next() {
            let mut value = || words.next().ok_or(format!("{option} needs a value"));
            match option.as_str() {
                "--host" => config.host = number(&option, &value()?)?,
                "--port" => config.port = number(&option, &value()?)?,
                "--tls-cert" => certificate = Some(file(&value()?)?),
                "--tls-key" => key = Some(file(&value()?)?),
                "--ping-interval-ms" => interval = Some(duration(&option, &value()?)?),
                "--ping-timeout-ms" => timeout = Some(duration(&option, &value()?)?),
                "--max-payload" => config.max_payload = number(&option, &value()?)?,
                "--connect-timeout-ms" => config.connect_timeout = duration(&option, &value()?)?,
                "--issued" => config.issued = Some(value()?.into()),
                "--seed" => config.seed = Some(number(&option, &value()?)?),
                "--no-control" => config.control = false,
                name => match name.strip_prefix("--") {
                    Some(name) if config.model.switches().any(|(known, _)| known == name) => {
                        switches.push((name.to_owned(), value()?));
                    }
                    _ => return Err(format!("unknown option {option}; see --help")),
                },
            }
        }
        if interval.is_some() || timeout.is_some() {
            let interval = interval.unwrap_or(config.ping_interval);
            let timeout = timeout.unwrap_or(config.ping_timeout);
            config = config.with_ping(interval, timeout);
        }
        // Configured pings limit the retention, and an explicit retention comes before that.
        for (name, value) in switches {
            config.model.set(&name, &value)?;
        }
        config.tls = match (certificate, key) {
            (Some(certificate), Some(key)) => Some(TlsIdentity { certificate, key }),
            (None, None) => None,
            _ => return Err("--tls-cert and --tls-key belong together".into()),
        };
        Ok(config)
    }
}

fn number<T: FromStr>(option: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{option}: cannot use {text:?}"))
}

fn duration(option: &str, text: &str) -> Result<Duration, String> {
    number(option, text).map(Duration::from_millis)
}

fn file(path: &str) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::model::Retention;

    fn parsed(line: &str) -> Result<ServerConfig, String> {
        ServerConfig::parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn configured_pings_limit_the_retention() {
        let config = parsed("--ping-interval-ms 2000 --ping-timeout-ms 1000").unwrap();
        assert_eq!(config.model.retention, Retention::For(4000));
        let config = parsed("--ping-interval-ms 2000 --retention-ms 7").unwrap();
        assert_eq!(config.model.retention, Retention::For(7));
        assert_eq!(parsed("").unwrap().model.retention, Retention::Unlimited);
    }

    #[test]
    fn bad_command_lines_are_refused() {
        for line in ["--port", "--port x", "--seq-base 2", "--unknown", "--host somewhere"] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
