//! Reads standard input without being held by it.
//!
//! A pipe or a keyboard may be silent for hours, and a read of it cannot be ended from outside. So
//! a thread of its own reads, and whoever wants the bytes looks at the interrupt between two looks
//! for them. At Ctrl-C the half line that may already be there is not taken for a record.

use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::interrupt::Interrupt;

/// How often the interrupt is looked at.
const GLANCE: Duration = Duration::from_millis(100);

/// Pieces that may wait between the two threads, of [`PIECE`] bytes each.
const WAITING_PIECES: usize = 4;
const PIECE: usize = 1 << 16;

/// Bytes of a reader that may be slow.
pub(super) struct Patient<'a> {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    read: usize,
    interrupt: &'a Interrupt,
}

impl<'a> Patient<'a> {
    /// Starts the reading thread. It ends with its reader, or with the process.
    pub(super) fn new(mut reader: impl Read + Send + 'static, interrupt: &'a Interrupt) -> Self {
        let (sender, pieces) = mpsc::sync_channel(WAITING_PIECES);
        thread::spawn(move || {
            loop {
                let mut piece = vec![0; PIECE];
                let read = match reader.read(&mut piece) {
                    Ok(0) => return,
                    Ok(read) => {
                        piece.truncate(read);
                        Ok(piece)
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Err(error),
                };
                let broken = read.is_err();
                if sender.send(read).is_err() || broken {
                    return;
                }
            }
        });
        Self { pieces, piece: Vec::new(), read: 0, interrupt }
    }
}

impl Read for Patient<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.piece.len() {
            if self.interrupt.came() {
                return Err(io::Error::other("interrupted"));
            }
            match self.pieces.recv_timeout(GLANCE) {
                Ok(piece) => {
                    self.piece = piece?;
                    self.read = 0;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        let length = buffer.len().min(self.piece.len() - self.read);
        buffer[..length].copy_from_slice(&self.piece[self.read..self.read + length]);
        self.read += length;
        Ok(length)
    }
}
