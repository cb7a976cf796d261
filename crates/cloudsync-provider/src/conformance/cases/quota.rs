//! Space.

use crate::conformance::Case;
use crate::conformance::bench::{Bench, refused, request};
use crate::conformance::case::{Outcome, Stop, case, ensure, ensure_eq};
use crate::conformance::need::{NO_QUOTA, QUOTA};
use crate::{ErrorKind, Expect};

pub(super) const CASES: &[Case] = &[
    case!(quota_is_told, "P024", &[QUOTA]),
    case!(use_grows_with_files, "P024", &[QUOTA]),
    case!(file_that_does_not_fit_leaves_nothing, "P024", &[QUOTA]),
    case!(quota_needs_a_connection, "P002 P024", &[QUOTA]),
    case!(quota_is_unsupported, "", &[NO_QUOTA]),
];

async fn quota_is_told(bench: &mut Bench<'_>) -> Outcome {
    let quota = bench.provider.quota().await?;
    ensure!(quota.limit_bytes > 0, "nothing is allowed");
    Ok(())
}

async fn leave_space(bench: &mut Bench<'_>, bytes: u64) -> Outcome {
    let left = bench.fixture.leave_space(bytes).await;
    if left {
        Ok(())
    } else {
        Err(Stop::LeftOut("a quota that can be set"))
    }
}

async fn use_grows_with_files(bench: &mut Bench<'_>) -> Outcome {
    leave_space(bench, 10_000).await?;
    let before = bench.provider.quota().await?.used_bytes;
    let file = bench.file("a", &[1; 1_000]).await?;
    ensure_eq!(
        bench.provider.quota().await?.used_bytes,
        before + 1_000,
        "used with a file"
    );
    let file = bench.overwrite(&file, &[1; 100]).await?;
    ensure_eq!(
        bench.provider.quota().await?.used_bytes,
        before + 100,
        "used with a smaller file"
    );
    bench.delete(&file).await?;
    ensure_eq!(
        bench.provider.quota().await?.used_bytes,
        before,
        "used without the file"
    );
    Ok(())
}

async fn file_that_does_not_fit_leaves_nothing(bench: &mut Bench<'_>) -> Outcome {
    leave_space(bench, 1_000).await?;
    let full = &[ErrorKind::OutOfSpace];
    let target = bench.target("a").await?;
    let write = bench
        .provider
        .write(request(target, Expect::Free, &[1; 1_001]));
    refused(write.await, full, "a file that does not fit")?;
    ensure!(bench.names().await?.is_empty(), "something is there");
    let file = bench.file("a", &[1; 1_000]).await?;
    let target = bench.target("a").await?;
    let write = request(target, file.unchanged(), &[2; 1_001]);
    refused(
        bench.provider.write(write).await,
        full,
        "writing over what does not fit",
    )?;
    ensure!(
        bench.content("a").await? == [1; 1_000][..],
        "the old content is gone"
    );
    let file = bench.overwrite(&file, &[3; 1_000]).await?;
    bench.delete(&file).await?;
    bench.file("b", &[1; 1_000]).await?;
    Ok(())
}

async fn quota_needs_a_connection(bench: &mut Bench<'_>) -> Outcome {
    bench.provider.disconnect().await;
    refused(
        bench.provider.quota().await,
        &[ErrorKind::Disconnected],
        "quota",
    )
}

async fn quota_is_unsupported(bench: &mut Bench<'_>) -> Outcome {
    refused(
        bench.provider.quota().await,
        &[ErrorKind::Unsupported],
        "quota",
    )
}
