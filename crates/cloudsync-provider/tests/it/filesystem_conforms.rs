//! The suite over local folders.

use async_trait::async_trait;
use tempfile::TempDir;

use cloudsync_provider::conformance::{Fixture, run_suite};
use cloudsync_provider::filesystem::FileProvider;
use cloudsync_provider::{Credentials, Provider, Result};

struct FileFixture(TempDir);

impl FileFixture {
    fn root(&self) -> String {
        self.0
            .path()
            .join("root")
            .to_str()
            .expect("a path in UTF-8")
            .to_owned()
    }

    async fn connected(&self) -> Result<FileProvider> {
        let provider = FileProvider::new();
        provider.connect(&Credentials::default()).await?;
        Ok(provider)
    }
}

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[async_trait]
impl Fixture for FileFixture {
    async fn fresh(&mut self) -> Result<Box<dyn Provider>> {
        self.0 = temporary();
        let provider = self.connected().await?;
        provider.set_root(Some(&self.root()), None, true).await?;
        Ok(Box::new(provider))
    }

    async fn second(&mut self) -> Option<Box<dyn Provider>> {
        let provider = self.connected().await.ok()?;
        provider
            .set_root(Some(&self.root()), None, false)
            .await
            .ok()?;
        Some(Box::new(provider))
    }

    async fn unrooted(&mut self) -> Option<Box<dyn Provider>> {
        Some(Box::new(self.connected().await.ok()?))
    }

    fn own_path(&self, relative: &str) -> Option<String> {
        Some(format!("{}/{relative}", self.root()))
    }

    async fn remove_root(&mut self) -> bool {
        std::fs::remove_dir_all(self.root()).is_ok()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_folders_conform() {
    let report = run_suite(&mut FileFixture(temporary())).await;
    assert!(report.passed_all(), "{report}");
}
