//! Locations as people type them, for the program and for the facade.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use cloudsync::{CloudSync, ErrorKind, Side};
use cloudsync_cli::testing::places;
use tokio::runtime::Builder;

use super::bytes::Bytes;

/// Two texts. The facade takes them or says what is wrong with them, without what may be a password.
/// What the program makes of them, the facade takes; and it says the same again to itself.
pub fn locations(bytes: &[u8]) {
    let mut draw = Bytes::new(bytes);
    let length = draw.below(256);
    let (local, remote) = (draw.take(length), draw.rest());
    // The system's calls end there.
    if bytes.contains(&0) && places(OsStr::from_bytes(local), OsStr::from_bytes(remote)).is_err() {
        return;
    }
    let typed = |bytes| std::str::from_utf8(bytes).ok().map(str::to_owned);
    if let (Some(local), Some(remote)) = (typed(local), typed(remote)) {
        let told = build(&local, &remote).err().unwrap_or_default();
        for (text, other) in [(&local, &remote), (&remote, &local)] {
            // Else it is a path, which is no secret.
            let is_scheme = |text: &str| {
                text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
            };
            if let Some((scheme, secret)) = text.split_once("://")
                && is_scheme(scheme)
                && scheme != "file"
                && secret.len() > 20
                && !other.contains(secret)
            {
                assert!(!told.contains(secret), "{told}");
            }
        }
    }
    let (local, remote) = (OsStr::from_bytes(local), OsStr::from_bytes(remote));
    let Ok(sides) = places(local, remote) else {
        return;
    };
    let given = sides.as_ref().map(|side| side.given.as_str());
    assert_ne!(given.local, given.remote);
    assert_ne!(sides.local.label, sides.remote.label);
    assert!(Side::BOTH.iter().all(|&side| !sides[side].label.is_empty()));
    let again = places(OsStr::new(given.local), OsStr::new(given.remote));
    assert_eq!(
        again.as_ref(),
        Ok(&sides),
        "what was understood is understood"
    );
    // Which namespaces a provider has, it knows itself.
    if let Err(told) = build(given.local, given.remote) {
        assert!(told.ends_with("no such namespace"), "{sides:?}: {told}");
    }
}

/// Has the facade make a pair of it, which connects nothing. Returns what it says, with all causes.
fn build(local: &str, remote: &str) -> Result<(), String> {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let built = runtime.block_on(CloudSync::builder(local, remote).build());
    match built {
        Ok(_) => Ok(()),
        Err(error) => {
            let known = [ErrorKind::Invalid, ErrorKind::Namespace, ErrorKind::Locked];
            assert!(known.contains(&error.kind()), "{error}");
            Err(format!("{error}"))
        }
    }
}
