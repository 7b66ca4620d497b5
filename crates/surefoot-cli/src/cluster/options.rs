//! The Kafka client's options: from `--config`, `-X` and `--bootstrap-server`, later ones winning.
//!
//! Names are the client's own, so that whatever works with other librdkafka programs works here.
//! Files written for the Java client use a few names that librdkafka lacks; those are refused with
//! what to write in their place.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;

use crate::args::Global;
use crate::complaint::Complaint;

/// Environment variable with the brokers to ask first.
const BOOTSTRAP_VARIABLE: &str = "SUREFOOT_BOOTSTRAP";

/// One `key=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Property {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl FromStr for Property {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                Ok(Self { key: key.trim().to_owned(), value: value.trim().to_owned() })
            }
            _ => Err("key=value is expected".to_owned()),
        }
    }
}

/// All options of one command line.
pub(crate) fn gather(global: &Global) -> Result<ClientConfig, Complaint> {
    let mut options = ClientConfig::new();
    options.set("client.id", "surefoot");
    if let Some(path) = &global.config {
        let text = fs::read_to_string(path).map_err(|error| Complaint::file(path, &error))?;
        for property in parse_file(path, &text)? {
            options.set(canonical(&property.key), property.value);
        }
    }
    for Property { key, value } in &global.options {
        options.set(canonical(key), value);
    }
    if let Some(servers) = &global.bootstrap_server {
        options.set("bootstrap.servers", servers);
    } else if options.get("bootstrap.servers").is_none()
        && let Ok(servers) = std::env::var(BOOTSTRAP_VARIABLE)
    {
        options.set("bootstrap.servers", servers);
    }
    let Some(servers) = options.get("bootstrap.servers") else {
        return Err(Complaint::refused("no cluster was named")
            .hint("give --bootstrap-server HOST:PORT, or set SUREFOOT_BOOTSTRAP"));
    };
    check_servers(servers)?;
    options.create_native_config().map_err(|error| explain(&error))?;
    Ok(options)
}

/// Reads a property file: `key=value` lines, `#` comments, blank lines.
fn parse_file(path: &Path, text: &str) -> Result<Vec<Property>, Complaint> {
    let mut properties = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // The line itself is not shown: it may hold a password.
        let property = line.parse().map_err(|expected| {
            Complaint::refused(format!("{}:{number}: {expected}", path.display()))
        })?;
        properties.push(property);
    }
    Ok(properties)
}

/// librdkafka has two names for the same list; with both set, the last one set wins silently.
fn canonical(key: &str) -> &str {
    match key {
        "metadata.broker.list" => "bootstrap.servers",
        key => key,
    }
}

fn check_servers(servers: &str) -> Result<(), Complaint> {
    for server in servers.split(',').map(str::trim) {
        let (protocol, address) = server.split_once("://").unwrap_or(("PLAINTEXT", server));
        let known = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
            .iter()
            .any(|name| name.eq_ignore_ascii_case(protocol));
        let port = match address.rsplit_once(':') {
            Some((_, port)) if !port.ends_with(']') => {
                port.parse::<u16>().is_ok_and(|port| port > 0)
            }
            _ => true,
        };
        if !known || !port || address.is_empty() || address.contains('/') {
            return Err(Complaint::refused(format!("{server:?} is not the address of a broker"))
                .hint("--bootstrap-server takes HOST:PORT, several separated by commas"));
        }
    }
    Ok(())
}

/// Puts the client's refusal of an option into our words.
pub(crate) fn explain(error: &KafkaError) -> Complaint {
    match error {
        KafkaError::ClientConfig(_, reason, key, value) => explain_option(reason, key, value),
        KafkaError::ClientCreation(reason) => {
            Complaint::refused(format!("the Kafka client refused its options: {reason}"))
                .hint("look at -X and --config")
        }
        error => Complaint::refused(format!("the Kafka client refused its options: {error}")),
    }
}

fn explain_option(reason: &str, key: &str, value: &str) -> Complaint {
    let in_its_place = match key {
        "sasl.jaas.config" => Some("sasl.username and sasl.password"),
        "ssl.truststore.location" => Some("ssl.ca.location, a PEM file"),
        "ssl.keystore.type" | "ssl.truststore.type" => Some("PEM files or PKCS#12"),
        _ => None,
    };
    if let Some(in_its_place) = in_its_place {
        return Complaint::refused(format!("{key} is an option of Kafka's Java client"))
            .hint(format!("librdkafka takes {in_its_place} in its place"));
    }
    if reason.starts_with("No such configuration property") {
        return Complaint::refused(format!("librdkafka has no option {key:?}")).hint(
            "look at -X and --config; the names are librdkafka's, listed in its CONFIGURATION.md",
        );
    }
    let secret = ["password", "secret", "key", "pem"].iter().any(|word| key.contains(word));
    let shown = if secret { "…" } else { value };
    Complaint::refused(format!("{key}={shown} is not possible: {reason}"))
        .hint("look at -X and --config; librdkafka's CONFIGURATION.md has the range of each option")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn property_files_have_comments_and_blank_lines() {
        let text = "# who\n\nsasl.username = alice\nsasl.password=a=b\n";
        let properties = parse_file(Path::new("prod.conf"), text).expect("a good file");
        let pairs: Vec<_> = properties.iter().map(|p| (p.key.as_str(), p.value.as_str())).collect();
        assert_eq!(pairs, [("sasl.username", "alice"), ("sasl.password", "a=b")]);
    }

    #[test]
    fn addresses_that_cannot_be_brokers_are_refused() {
        for good in [
            "localhost:9092",
            "a:1,b:2",
            "SASL_SSL://k.example:9093",
            "[::1]:9092",
            "[::1]",
            "kafka",
        ] {
            assert!(check_servers(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "localhost:port",
            "localhost:0",
            "localhost:70000",
            "http://localhost:8080",
            "a:1,",
            "h:1/x",
        ] {
            assert!(check_servers(bad).is_err(), "{bad}");
        }
    }
}
