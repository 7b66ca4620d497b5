//! Gives users of the listener with SASL a permission, as `kafka-acls --add` does: the client that
//! the other tests use has no call for it, so the request is written by hand.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::program::bootstrap;

/// What a permission is for.
#[derive(Clone, Copy)]
pub(crate) enum Resource<'a> {
    Topic(&'a str),
    Group(&'a str),
}

const CREATE_ACLS: i16 = 30;
const VERSION: i16 = 1;
const LITERAL: u8 = 3;
const READ: u8 = 3;
const ALLOW: u8 = 3;

/// Lets a user read, from any host.
pub(crate) fn allow_reading(user: &str, resource: Resource<'_>) {
    let (kind, name) = match resource {
        Resource::Topic(name) => (2, name),
        Resource::Group(name) => (3, name),
    };
    let mut request = [CREATE_ACLS.to_be_bytes(), VERSION.to_be_bytes()].concat();
    request.extend(0_i32.to_be_bytes());
    text(&mut request, "surefoot-tests");
    request.extend(1_i32.to_be_bytes());
    request.push(kind);
    text(&mut request, name);
    request.push(LITERAL);
    text(&mut request, &format!("User:{user}"));
    text(&mut request, "*");
    request.extend([READ, ALLOW]);

    let mut broker = TcpStream::connect(bootstrap()).unwrap();
    broker.write_all(&u32::try_from(request.len()).unwrap().to_be_bytes()).unwrap();
    broker.write_all(&request).unwrap();
    let mut length = [0; 4];
    broker.read_exact(&mut length).unwrap();
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    broker.read_exact(&mut answer).unwrap();
    // Behind correlation id, throttle time and the number of results: the error of the only one.
    assert_eq!(answer[12..14], [0, 0], "{answer:?}");
}

fn text(request: &mut Vec<u8>, text: &str) {
    request.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    request.extend(text.as_bytes());
}
