//! One run at a time has two folders, whoever runs it and whatever state it has.

use std::fs;
use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use cloudsync::Side;

use crate::exit::Exit;
use crate::location::Locations;
use crate::problem::Problem;

/// Two folders, held until it is dropped.
#[derive(Debug)]
pub(crate) struct Hold(#[expect(dead_code, reason = "it is held")] Option<UnixListener>);

impl Hold {
    /// Holds two folders by a name of theirs that has no place in any file system (an abstract socket, to which nobody ever
    /// connects): the kernel frees it with the process. Runs with another state, and those of other users, share no file that
    /// could be locked. Nothing is held where one of the sides is no folder, or none yet, or where the system does not let us.
    ///
    /// # Errors
    /// [`Exit::Busy`] where another run has the two.
    pub(crate) fn take(locations: &Locations) -> Result<Self, Problem> {
        let folder = |side: Side| {
            let found = fs::metadata(locations[side].folder()?).ok()?;
            Some((found.dev(), found.ino()))
        };
        let (Some(one), Some(other)) = (folder(Side::Local), folder(Side::Remote)) else {
            return Ok(Self(None));
        };
        let (one, other) = (one.min(other), one.max(other));
        let name = format!("cloudsync {}:{} {}:{}", one.0, one.1, other.0, other.1);
        let Ok(address) = SocketAddr::from_abstract_name(name) else {
            return Ok(Self(None));
        };
        match UnixListener::bind_addr(&address) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                let message = format!(
                    "another run has {} and {}",
                    locations.local, locations.remote
                );
                Err(Problem::new(Exit::Busy, message)
                    .with_hint("wait for the other run, or stop it"))
            }
            socket => Ok(Self(socket.ok())),
        }
    }
}
