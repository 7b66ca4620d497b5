//! Asks a node which brokers it knows, to tell whether a cluster is up.
//!
//! A node opens its port before it takes part: it lists itself in metadata only once the
//! controller has unfenced it, and each node learns of the others on its own. So the question is
//! put to every node, and TCP alone answers nothing. Kafka's own tools would need a JVM, 1.5 s a
//! question; this is one request and one reply. Version 5 of Metadata is understood by every
//! release since 1.1 and has none of the tagged fields that came later.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const METADATA: i16 = 3;
const VERSION: i16 = 5;
const CORRELATION: i32 = 1;
// Far above any reply for a few brokers and no topics: a larger length is not Kafka.
const LARGEST_REPLY: usize = 1 << 20;

/// The ids of the brokers that the node at `address` lists, within about `patience`.
pub(crate) fn known_brokers(address: SocketAddr, patience: Duration) -> io::Result<BTreeSet<u32>> {
    let mut stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    stream.write_all(&request())?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(i32::from_be_bytes(length)).map_err(|_| no_kafka())?;
    if length > LARGEST_REPLY {
        return Err(no_kafka());
    }
    let mut reply = vec![0; length];
    stream.read_exact(&mut reply)?;
    brokers_in(&reply)
}

fn request() -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(METADATA.to_be_bytes());
    body.extend(VERSION.to_be_bytes());
    body.extend(CORRELATION.to_be_bytes());
    body.extend((-1_i16).to_be_bytes()); // no client id
    body.extend(0_i32.to_be_bytes()); // no topics, only the brokers
    body.push(0); // creates no topics
    let length = i32::try_from(body.len()).expect("the request is a few bytes");
    [&length.to_be_bytes()[..], &body].concat()
}

fn brokers_in(reply: &[u8]) -> io::Result<BTreeSet<u32>> {
    let mut fields = Fields(reply);
    if fields.int32()? != CORRELATION {
        return Err(no_kafka());
    }
    fields.int32()?; // throttle time
    let count = fields.int32()?;
    let mut ids = BTreeSet::new();
    for _ in 0..count {
        ids.insert(u32::try_from(fields.int32()?).map_err(|_| no_kafka())?);
        fields.skip_string()?; // host
        fields.int32()?; // port
        fields.skip_string()?; // rack
    }
    Ok(ids)
}

/// What is left to read of a reply.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, n: usize) -> io::Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or_else(no_kafka)?;
        self.0 = rest;
        Ok(taken)
    }

    fn int32(&mut self) -> io::Result<i32> {
        let bytes = self.take(4)?.try_into().expect("four bytes were taken");
        Ok(i32::from_be_bytes(bytes))
    }

    fn skip_string(&mut self) -> io::Result<()> {
        let bytes = self.take(2)?.try_into().expect("two bytes were taken");
        // A null string has the length -1.
        let length = usize::try_from(i16::from_be_bytes(bytes)).unwrap_or(0);
        self.take(length).map(|_| ())
    }
}

fn no_kafka() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the reply is not kafka metadata")
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    #[test]
    fn brokers_with_and_without_a_rack_are_read() {
        let reply = reply(&[(1, None), (3, Some("rack-a"))]);
        assert_eq!(brokers_in(&reply).unwrap(), BTreeSet::from([1, 3]));
    }

    #[test]
    fn every_torn_reply_is_refused() {
        let reply = reply(&[(1, None), (3, Some("rack-a"))]);
        for length in 0..reply.len() {
            assert!(brokers_in(&reply[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn one_request_gets_one_reply() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = vec![0; request().len()];
            stream.read_exact(&mut asked).unwrap();
            let reply = reply(&[(2, None)]);
            let length = i32::try_from(reply.len()).unwrap();
            stream.write_all(&length.to_be_bytes()).unwrap();
            stream.write_all(&reply).unwrap();
            asked
        });
        assert_eq!(known_brokers(address, PATIENCE).unwrap(), BTreeSet::from([2]));
        assert_eq!(server.join().unwrap(), request());
    }

    #[test]
    fn a_server_of_another_kind_is_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
            stream
        });
        let error = known_brokers(address, PATIENCE).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        drop(server.join());
    }

    /// A reply without its length: correlation, throttle time, brokers.
    fn reply(brokers: &[(i32, Option<&str>)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(CORRELATION.to_be_bytes());
        bytes.extend(0_i32.to_be_bytes());
        bytes.extend(i32::try_from(brokers.len()).unwrap().to_be_bytes());
        let string = |bytes: &mut Vec<u8>, text: Option<&str>| {
            let length = text.map_or(-1, |text| i16::try_from(text.len()).unwrap());
            bytes.extend(length.to_be_bytes());
            bytes.extend(text.unwrap_or_default().as_bytes());
        };
        for &(id, rack) in brokers {
            bytes.extend(id.to_be_bytes());
            string(&mut bytes, Some("127.0.0.1"));
            bytes.extend(9092_i32.to_be_bytes());
            string(&mut bytes, rack);
        }
        bytes
    }
}
