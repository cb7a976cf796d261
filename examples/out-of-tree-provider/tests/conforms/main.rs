//! Runs cloudsync's conformance suite on the shelf.

use async_trait::async_trait;

use cloudsync_provider::conformance::{Fixture, run_suite};
use cloudsync_provider::{Credentials, Result};
use out_of_tree_provider::{Provider, Shelf, ShelfClient};

#[derive(Default)]
struct ShelfFixture(Shelf);

impl ShelfFixture {
    async fn connected(&self) -> Result<ShelfClient> {
        let client = ShelfClient::new(&self.0);
        client.connect(&Credentials::default()).await?;
        Ok(client)
    }
}

#[async_trait]
impl Fixture for ShelfFixture {
    async fn fresh(&mut self) -> Result<Box<dyn Provider>> {
        self.0 = Shelf::default();
        let client = self.connected().await?;
        client.set_root(Some("/base"), None, true).await?;
        Ok(Box::new(client))
    }

    async fn second(&mut self) -> Option<Box<dyn Provider>> {
        let client = self.connected().await.ok()?;
        client.set_root(Some("/base"), None, false).await.ok()?;
        Some(Box::new(client))
    }

    async fn unrooted(&mut self) -> Option<Box<dyn Provider>> {
        Some(Box::new(self.connected().await.ok()?))
    }

    fn own_path(&self, relative: &str) -> Option<String> {
        Some(format!("/base/{relative}"))
    }
}

#[tokio::test]
async fn shelf_conforms() {
    let report = run_suite(&mut ShelfFixture::default()).await;
    println!("{report}");
    assert!(report.passed_all(), "{report}");
    assert!(report.passed.len() > 80, "{report}");
}
