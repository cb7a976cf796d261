//! Brings two folders together once: `one_shot A B STATE`.

use cloudsync::CloudSync;
use futures::StreamExt;

#[tokio::main]
async fn main() -> cloudsync::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().unwrap_or_default();
    let (a, b, state) = (next(), next(), next());
    let pair = CloudSync::builder(a.as_str(), b.as_str())
        .state_file(state)
        .build()
        .await?;
    let mut notices = pair.notices();
    let listener = tokio::spawn(async move {
        while let Some(notice) = notices.next().await {
            eprintln!("{notice}");
        }
    });
    let report = pair.run_once().await?;
    eprintln!("{report:#?}");
    listener.abort();
    Ok(())
}
