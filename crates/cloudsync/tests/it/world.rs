//! Two services in memory, users on both, and pairs over them.

use std::collections::BTreeMap;

use cloudsync::provider::mock::{MockConfig, MockProvider, MockService, Node, User};
use cloudsync::{Builder, CloudSync, Given, Side};

/// Two services in memory.
pub(crate) struct World {
    pub(crate) local: MockService,
    pub(crate) remote: MockService,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(
            MockConfig::default(),
            MockConfig {
                seed: 7,
                ..MockConfig::default()
            },
        )
    }

    pub(crate) fn of(local: MockConfig, remote: MockConfig) -> Self {
        Self {
            local: MockService::new(local),
            remote: MockService::new(remote),
        }
    }

    /// A pair over new clients of both services.
    pub(crate) fn builder(&self) -> Builder {
        self.builder_with(self.local.client(), self.remote.client())
    }

    #[expect(clippy::unused_self, reason = "reads as the builder of this world")]
    pub(crate) fn builder_with(&self, local: MockProvider, remote: MockProvider) -> Builder {
        CloudSync::builder(Given::provider(local), Given::provider(remote)).roots("/", "/")
    }

    pub(crate) async fn pair(&self) -> CloudSync {
        self.builder().build().await.unwrap()
    }

    pub(crate) fn user(&self, side: Side) -> User {
        match side {
            Side::Local => self.local.user(),
            Side::Remote => self.remote.user(),
        }
    }

    /// Writes a file on a side.
    pub(crate) fn write(&self, side: Side, path: &str, content: &str) {
        self.user(side).write(path, content.to_owned()).unwrap();
    }

    /// All paths of a side, with the content of files.
    pub(crate) fn tree(&self, side: Side) -> BTreeMap<String, String> {
        let show = |(path, node)| {
            let text = match node {
                Node::File(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Node::Folder => "/".to_owned(),
                Node::Skipped(reason) => format!("{reason:?}"),
            };
            (path, text)
        };
        self.user(side).tree().into_iter().map(show).collect()
    }

    /// Checks that both sides are the same; returns what they have, one `path=content` each.
    pub(crate) fn both(&self) -> Vec<String> {
        let (local, remote) = (self.tree(Side::Local), self.tree(Side::Remote));
        assert_eq!(local, remote, "both sides are the same");
        local
            .into_iter()
            .map(|(path, content)| format!("{path}={content}"))
            .collect()
    }
}
