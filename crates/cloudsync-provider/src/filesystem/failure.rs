//! Turns the system's error numbers into the kinds that callers act on.

use rustix::io::Errno;

use crate::{Error, ErrorKind};

/// Makes the failure of `operation` on `object` from the system's answer.
pub(super) fn failure(operation: &'static str, errno: Errno, object: &str) -> Error {
    let (kind, detail) = classify(errno);
    let error = Error::new(kind, operation)
        .with_object(shown(object))
        .with_source(std::io::Error::from(errno));
    match detail {
        Some(detail) => error.with_detail(detail),
        None => error,
    }
}

/// Makes a failure without a cause of its own.
pub(super) fn refused(kind: ErrorKind, operation: &'static str, object: &str) -> Error {
    Error::new(kind, operation).with_object(shown(object))
}

/// Makes the failure of a change in a folder that somebody took away meanwhile.
pub(super) fn gone_meanwhile(operation: &'static str, folder: &str) -> Error {
    refused(ErrorKind::NotFound, operation, folder).with_detail("the folder was moved meanwhile")
}

/// Returns how a path relative to the root is shown to people.
fn shown(object: &str) -> &str {
    if object.is_empty() { "/" } else { object }
}

fn classify(errno: Errno) -> (ErrorKind, Option<&'static str>) {
    match errno {
        Errno::NOENT => (ErrorKind::NotFound, None),
        Errno::NOTDIR => (ErrorKind::NotFound, Some("a part of the path is no folder")),
        Errno::LOOP => (
            ErrorKind::NotFound,
            Some("a part of the path is a symbolic link"),
        ),
        Errno::XDEV => (
            ErrorKind::NotFound,
            Some("another file system is mounted there"),
        ),
        Errno::ACCESS | Errno::PERM => (ErrorKind::PermissionDenied, None),
        Errno::ROFS => (
            ErrorKind::PermissionDenied,
            Some("the file system is read-only"),
        ),
        Errno::NOSPC => (ErrorKind::OutOfSpace, None),
        Errno::DQUOT => (ErrorKind::OutOfSpace, Some("quota")),
        Errno::FBIG => (
            ErrorKind::OutOfSpace,
            Some("the file system cannot hold a file this large"),
        ),
        Errno::NAMETOOLONG => (ErrorKind::NameRejected, Some("too long")),
        Errno::INVAL | Errno::ILSEQ => {
            (ErrorKind::NameRejected, Some("refused by the file system"))
        }
        Errno::NOTEMPTY => (ErrorKind::NotEmpty, None),
        Errno::EXIST => (ErrorKind::AlreadyExists, None),
        Errno::ISDIR => (ErrorKind::PreconditionFailed, Some("it is a folder")),
        Errno::OPNOTSUPP | Errno::NOSYS => (ErrorKind::Unsupported, None),
        Errno::IO
        | Errno::STALE
        | Errno::BUSY
        | Errno::TXTBSY
        | Errno::AGAIN
        | Errno::INTR
        | Errno::NOMEM
        | Errno::NOBUFS
        | Errno::NODEV
        | Errno::NXIO
        | Errno::TIMEDOUT
        | Errno::HOSTDOWN
        | Errno::NOTCONN => (ErrorKind::Unavailable, None),
        Errno::MFILE | Errno::NFILE => (ErrorKind::Unavailable, Some("too many open files")),
        _ => (ErrorKind::Unexpected, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_say_what_a_caller_can_do() {
        for (errno, kind) in [
            (Errno::NOENT, ErrorKind::NotFound),
            (Errno::LOOP, ErrorKind::NotFound),
            (Errno::ACCESS, ErrorKind::PermissionDenied),
            (Errno::ROFS, ErrorKind::PermissionDenied),
            (Errno::DQUOT, ErrorKind::OutOfSpace),
            (Errno::NAMETOOLONG, ErrorKind::NameRejected),
            (Errno::IO, ErrorKind::Unavailable),
            (Errno::STALE, ErrorKind::Unavailable),
            (Errno::NOTEMPTY, ErrorKind::NotEmpty),
            (Errno::DOM, ErrorKind::Unexpected),
        ] {
            assert_eq!(failure("write", errno, "a/b").kind(), kind, "{errno}");
        }
        assert!(failure("write", Errno::MFILE, "a").is_retryable());
    }
}
