//! Chooses loopback ports that stay a node's own while the node is down.
//!
//! A port that the kernel hands out for port 0 lies in the range from which it also takes the
//! local ends of outgoing connections. While the node is down, a client that keeps reconnecting
//! can be given that very port: it then talks to itself, and the node cannot start again. Ports
//! below that range are only ever taken by who asks for them.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};

// Linux's own default, where the range cannot be read.
const EPHEMERAL_FROM: u16 = 32768;
// Wide, so that clusters that start at the same moment rarely choose the same port.
const RANGE: u16 = 16384;
const FIRST_UNPRIVILEGED: u16 = 1024;
const ATTEMPTS: u64 = 4096;

/// Chooses `count` ports that nothing listens on, below the range of outgoing connections.
pub(crate) fn choose(count: usize) -> Result<Vec<u16>> {
    let end = ephemeral_from();
    let start = end.saturating_sub(RANGE).max(FIRST_UNPRIVILEGED);
    let width = u64::from(end.saturating_sub(start));
    if width == 0 {
        bail!(
            "every unprivileged port is used for outgoing connections: raise ip_local_port_range"
        );
    }
    let random = RandomState::new();
    // All are held until the last one is found, so that none is chosen twice.
    let mut held = Vec::new();
    for attempt in 0..ATTEMPTS {
        if held.len() == count {
            break;
        }
        let below = u16::try_from(random.hash_one(attempt) % width).expect("width fits a port");
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, start + below)) {
            held.push((listener, start + below));
        }
    }
    if held.len() < count {
        bail!("no {count} free ports between {start} and {end} on 127.0.0.1");
    }
    Ok(held.into_iter().map(|(_, port)| port).collect())
}

fn ephemeral_from() -> u16 {
    fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|range| range.split_whitespace().next()?.parse().ok())
        .unwrap_or(EPHEMERAL_FROM)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ports_are_distinct_and_below_outgoing_connections() {
        let ports = choose(9).unwrap();
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 9);
        assert!(ports.iter().all(|&port| port < ephemeral_from()));
    }
}
