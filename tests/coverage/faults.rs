//! The faults, the phases they strike in, and what each pair must come to; and the rows beside them.

/// The phases P01 to P18.
pub(crate) const PHASES: [&str; 18] = [
    "name lookup",
    "TCP connect",
    "TLS handshake",
    "Engine.IO open",
    "polling",
    "upgrade",
    "CONNECT",
    "login",
    "idle",
    "request",
    "notification",
    "relogin",
    "ticket refresh",
    "logout",
    "teardown",
    "callback",
    "backoff",
    "replay",
];

/// The outcomes that the letters stand for.
pub(crate) const OUTCOMES: [(char, &str); 17] = [
    ('A', "the attempt fails with its reason, and the next one follows the backoff"),
    ('D', "resuming with a cause, then ready; one login"),
    (
        'Q',
        "as D; what was not written is sent once, what was written ends with its outcome unknown",
    ),
    ('R', "as D; every notification once, in order, or a gap is told"),
    ('G', "WebSocket is given up and polling goes on"),
    ('L', "the login is unknown and its token spent"),
    ('T', "the relogin is repeated with the newest ticket"),
    ('F', "as D; the old ticket serves until a newer one is kept"),
    ('O', "the logout ends once, confirmed or not, within 3 s"),
    ('X', "freed at once; everything has its outcome, and nothing is told afterwards"),
    ('C', "the session lives on while the callback runs; what it missed follows in order"),
    ('W', "the wait goes on"),
    ('S', "nothing is to be noticed"),
    ('J', "as D, paced; four times in a minute are the end"),
    ('V', "refused before a byte is sent"),
    ('E', "the portal has forgotten the session: the end, with the reason"),
    ('Z', "short: nothing; longer: as D; beyond the window: as E"),
];

/// The faults F01 to F36: what happens, and the outcome in each phase; `-`: it cannot happen there.
pub(crate) const FAULTS: [(&str, &str); 36] = [
    ("reset by the peer or a middlebox", "-AAADGALDQRTFOXC-R"),
    ("end of the connection without a close frame", "-AAADGALDQRTFOXC-R"),
    ("close frame, or Engine.IO close packet", "---ADGALDQRTFOXC-R"),
    ("Socket.IO disconnect without a `drop`", "----J-JLJJJTJOXC-J"),
    ("silence in both directions", "AAAADGALDQRTFOXCWR"),
    ("silence towards the client", "AAAADGALDQRTFOXCWR"),
    ("silence towards the server", "AAAADGALDQRTFOXCWR"),
    ("connections refused", "-A--DG-----T-OX-W-"),
    ("ICMP unreachable", "-AAADGALDQRTFOXCWR"),
    ("no route, for 1 to 601 s", "AAAADGALDQRTFOXCWR"),
    ("another network, the old address gone", "AAAADGALDQRTFOXCWR"),
    ("the same, and the system destroys the sockets", "AAAADGALDQRTFOXCWR"),
    ("another network beside the old one, which works", "SSSSSSSSSSSSSSXCWS"),
    ("another network beside the old one, which is dead", "AAAADGALDQRTFOXCWR"),
    ("a NAT forgets, silently", "-AAADGALDQRTFOXC-R"),
    ("a NAT forgets, and resets", "-AAADGALDQRTFOXC-R"),
    ("name lookup fails or lies", "AA---------T--X-W-"),
    ("large packets are lost", "--AADGALDQRTFOXC-R"),
    ("loss, delay, reordering", "SSSSSSSSSSSSSSXCWS"),
    ("16 kbit/s", "SSSSSSSSSSSSSSXCWS"),
    ("a link that flaps", "SSSSSSSSSSSSSSXCWS"),
    ("a server that stands still", "-AAADGALDQRTFOXC-R"),
    ("a portal that is killed and starts anew", "-AAAEGALEEEEEOXC-E"),
    ("a balancer cuts or drains", "---ADGALDQRTFOXC-R"),
    ("a balancer without stickiness", "---ADG---QRTFOX--R"),
    ("WebSocket refused where polling works", "---A-G-----T--X-W-"),
    ("a captive portal", "---ADG-----T-OX-W-"),
    ("TLS cut or stalled in its handshake", "--A--G-----T--X-W-"),
    ("a wrong TLS identity", "--V--G-----V--X-W-"),
    ("the process frozen; its sockets may be gone", "AAAADGALZQRTFOXCWR"),
    ("jumps of the wall clock", "SSVSSSSSSSSSSSXCWS"),
    ("no descriptors or threads left", "AASSSGSSSSSTSSXCWS"),
    ("no memory left", "AAAASGSSSSSTSSXCWS"),
    ("errors injected into system calls", "AAAADGALDQRTFOXCWR"),
    ("HTTP refusals, also with `Retry-After`", "---ADG-----T-OX-W-"),
    ("one message lost, doubled or swapped", "---ADGALDQRTFOXC-R"),
];

/// Situations of a session (W), storms (B), and the endurance row that goes with them (K).
pub(crate) const ROWS: [(&str, &str); 39] = [
    ("W01", "login done, answer lost"),
    ("W02", "relogin done, answer lost, three times"),
    ("W03", "a hint, the timer and a call at one instant"),
    ("W04", "two processes with one ticket"),
    ("W05", "the portal restarted"),
    ("W06", "away for longer than the ticket"),
    ("W07", "away for longer than the window"),
    ("W08", "relogin at the end of the window"),
    ("W09", "clocks a day off, on either side"),
    ("W10", "a login without a ticket"),
    ("W11", "a replay with what is known"),
    ("W12", "a replay with any offset"),
    ("W13", "a replay with a hole"),
    ("W14", "an empty replay"),
    ("W15", "an endless replay"),
    ("W16", "numbers without sense"),
    ("W17", "relogin answers of any shape"),
    ("W18", "1.1: what was missed follows the answer"),
    ("W19", "notifications before the answer"),
    ("W20", "`drop`, then `41`"),
    ("W21", "the refusal is lost, the `41` is not"),
    ("W22", "a refresh answer later than a relogin"),
    ("W23", "a refresh refused, or not answered"),
    ("W24", "a thousand requests of an outage"),
    ("W25", "logout while away"),
    ("W26", "a second login"),
    ("W27", "answers of any shape"),
    ("W28", "an answer after the limit"),
    ("W29", "a thousand relogins"),
    ("W30", "a loss at any moment of the login"),
    ("W31", "two hours asleep, then another network"),
    ("W32", "a flood, and a slow host"),
    ("W33", "answers out of order"),
    ("B01", "10,000 clients lose one portal at once"),
    ("B02", "refused for an hour"),
    ("B03", "accepted and closed at once"),
    ("B04", "a million attempts"),
    ("B05", "a storm of hints"),
    ("K03", "10,000 relogins"),
];

/// The phases in which there is a session, or a login that becomes one.
const SESSION: std::ops::RangeInclusive<usize> = 8..=18;
/// The faults that a session without I/O can meet.
const FAULTS_OF_A_SESSION: [usize; 24] =
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23, 24, 30];

/// The outcome of a fault in a phase; `None`: it cannot occur.
pub(crate) fn outcome(fault: usize, phase: usize) -> Option<char> {
    let (_, outcomes) = FAULTS.get(fault.checked_sub(1)?)?;
    outcomes.chars().nth(phase.checked_sub(1)?).filter(|letter| *letter != '-')
}

/// Whether a cell must have a test.
pub(crate) fn concerns_a_session(fault: usize, phase: usize) -> bool {
    SESSION.contains(&phase)
        && FAULTS_OF_A_SESSION.contains(&fault)
        && outcome(fault, phase).is_some()
}
