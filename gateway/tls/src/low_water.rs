//! How much a socket waits for before it wakes its reader.
//!
//! Owns: the socket's SO_RCVLOWAT. Does not own: what must still come, which the reader knows.
//!
//! Invariants: never more is waited for than what must come; while more than a byte is waited for, a
//! reader that is polled for another reason (a timer, say) finds what has come so far, so that a slow
//! peer is not taken for a silent one. Linux wakes a reader earlier where the peer may send no more.

use std::io;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::sys::socket::SetSockOpt;
use nix::sys::socket::sockopt::SetUsize;

/// Below this a wait for more than a byte is not worth a call to the system.
const WAIT_BYTES_MIN: usize = 32 << 10;

/// What is waited for at most: the peer's window must stay open, and work is to begin meanwhile.
const WAIT_BYTES_MAX: usize = 128 << 10;

#[derive(Clone, Copy)]
struct ReceiveLowWater;

nix::setsockopt_impl!(
    ReceiveLowWater,
    libc::SOL_SOCKET,
    libc::SO_RCVLOWAT,
    usize,
    SetUsize
);

/// See the file's header.
#[derive(Debug)]
pub(crate) struct LowWater {
    /// What the socket waits for.
    bytes: usize,
    /// Whether the reader was told to wait, and has not read since.
    is_waiting: bool,
    /// The system refuses: nothing is tried any more.
    is_refused: bool,
}

impl LowWater {
    pub(crate) fn new() -> Self {
        Self {
            bytes: 1,
            is_waiting: false,
            is_refused: false,
        }
    }

    /// Something was read.
    pub(crate) fn has_read(&mut self) {
        self.is_waiting = false;
    }

    /// There was nothing to read: settles what is waited for, where at least `coming` bytes must come. Says
    /// whether the reader is to look into the socket once more: there may be something of which nobody is
    /// told.
    pub(crate) fn wait(&mut self, socket: &impl AsFd, coming: usize) -> io::Result<bool> {
        let bytes = if coming < WAIT_BYTES_MIN || self.is_refused {
            1
        } else {
            coming.min(WAIT_BYTES_MAX)
        };
        let was_waiting = std::mem::replace(&mut self.is_waiting, bytes > 1);
        let is_lowered = bytes < self.bytes;
        if bytes != self.bytes {
            match ReceiveLowWater.set(socket, &bytes) {
                Ok(()) => self.bytes = bytes,
                Err(_) if bytes > self.bytes => self.is_refused = true,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(is_lowered || (was_waiting && self.bytes > 1))
    }
}

/// Reads what is there, without waiting; none where nothing is.
pub(crate) fn look(socket: &impl AsFd, target: &mut [u8]) -> io::Result<Option<usize>> {
    match nix::unistd::read(socket, target) {
        Ok(read) => Ok(Some(read)),
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
