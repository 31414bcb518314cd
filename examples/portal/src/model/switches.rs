//! The switches by name, as the command line and HTTP set them.

use std::{fmt, str::FromStr};

use super::{ModelConfig, Protocol, Retention, SeqBase, StreamMedia};

/// The word for a limit that does not exist.
const UNLIMITED: &str = "unlimited";

/// One field of the configuration as text.
struct Switch {
    name: &'static str,
    get: fn(&ModelConfig) -> String,
    set: fn(&mut ModelConfig, &str) -> Result<(), String>,
}

macro_rules! switch {
    ($name:literal, $field:ident) => {
        Switch {
            name: $name,
            get: |config| config.$field.to_string(),
            set: |config, text| {
                config.$field =
                    text.parse().map_err(|_| format!("{}: bad value {text:?}", $name))?;
                Ok(())
            },
        }
    };
}

const SWITCHES: [Switch; 18] = [
    switch!("reconnection-timeout-ms", reconnection_timeout),
    switch!("ticket-lifetime-ms", ticket_lifetime),
    switch!("token-lifetime-ms", token_lifetime),
    switch!("idle-limit-ms", idle_limit),
    switch!("join-delay-ms", join_delay),
    switch!("relogin-delay-ms", relogin_delay),
    switch!("media-step-ms", media_step),
    switch!("stream-delay-ms", stream_delay),
    switch!("clock-offset-ms", clock_offset),
    switch!("seq-base", seq_base),
    switch!("retention-ms", retention),
    switch!("relogin-ends-pruning", relogin_ends_pruning),
    switch!("stream-media", stream_media),
    switch!("silent-unknown-token", silent_unknown_token),
    switch!("ghosts", ghosts),
    switch!("reply-padding-bytes", reply_padding),
    Switch {
        name: "protocols",
        get: |config| {
            let names: Vec<String> = config.protocols.iter().map(Protocol::to_string).collect();
            names.join(",")
        },
        set: |config, text| {
            config.protocols = text.split(',').map(str::parse).collect::<Result<_, _>>()?;
            Ok(())
        },
    },
    Switch {
        name: "room-capacity",
        get: |config| config.room_capacity.map_or(UNLIMITED.into(), |limit| limit.to_string()),
        set: |config, text| {
            config.room_capacity = match text {
                UNLIMITED => None,
                _ => Some(text.parse().map_err(|_| format!("room-capacity: bad value {text:?}"))?),
            };
            Ok(())
        },
    },
];

impl ModelConfig {
    /// Set a switch by name: field names with hyphens, and with their unit, such as
    /// `ticket-lifetime-ms`. See `roamio-portal --help`.
    ///
    /// # Errors
    ///
    /// There is no such switch, or it cannot have this value. Nothing has changed then.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let switch = SWITCHES.iter().find(|switch| switch.name == name);
        (switch.ok_or_else(|| format!("there is no switch {name:?}"))?.set)(self, value)
    }

    /// Names and values of all switches.
    pub fn switches(&self) -> impl Iterator<Item = (&'static str, String)> + '_ {
        SWITCHES.iter().map(|switch| (switch.name, (switch.get)(self)))
    }
}

impl fmt::Display for SeqBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zero => "0",
            Self::One => "1",
        })
    }
}

impl FromStr for SeqBase {
    type Err = String;

    /// Read `0` or `1`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "0" => Ok(Self::Zero),
            "1" => Ok(Self::One),
            _ => Err(format!("{text:?} is neither 0 nor 1")),
        }
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlimited => f.write_str(UNLIMITED),
            Self::For(limit) => limit.fmt(f),
        }
    }
}

impl FromStr for Retention {
    type Err = String;

    /// Read `unlimited` or a number of milliseconds.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            UNLIMITED => Ok(Self::Unlimited),
            _ => text.parse().map(Self::For).map_err(|_| format!("{text:?} is no duration")),
        }
    }
}

impl fmt::Display for StreamMedia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tracks => "tracks",
            Self::Parts => "parts",
        })
    }
}

impl FromStr for StreamMedia {
    type Err = String;

    /// Read `tracks` or `parts`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "tracks" => Ok(Self::Tracks),
            "parts" => Ok(Self::Parts),
            _ => Err(format!("{text:?} is neither tracks nor parts")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_takes_the_text_it_gives() {
        let changed = [
            ("seq-base", "0"),
            ("retention-ms", "4000"),
            ("protocols", "1.0,1.2"),
            ("stream-media", "parts"),
            ("room-capacity", "3"),
            ("ghosts", "false"),
            ("clock-offset-ms", "-5"),
        ];
        let mut config = ModelConfig::default();
        for (name, value) in changed {
            assert_eq!(config.set(name, value), Ok(()));
        }
        let mut copy = ModelConfig::default();
        for (name, value) in config.switches() {
            assert_eq!(copy.set(name, &value), Ok(()), "{name}");
        }
        assert!(copy.switches().eq(config.switches()));
        assert!(changed.iter().all(|(name, value)| {
            copy.switches().any(|switch| switch == (*name, (*value).to_owned()))
        }));
        assert_eq!((copy.clock_offset, copy.room_capacity), (-5, Some(3)));
    }

    #[test]
    fn what_cannot_be_set_is_refused() {
        let mut config = ModelConfig::default();
        for (name, value) in [
            ("unheard-of", "1"),
            ("seq-base", "2"),
            ("ghosts", "maybe"),
            ("protocols", "1.2,9"),
            ("room-capacity", "-1"),
            ("retention-ms", "long"),
            ("stream-media", "none"),
        ] {
            assert!(config.set(name, value).is_err(), "{name}");
        }
        assert!(config.switches().eq(ModelConfig::default().switches()));
    }
}
