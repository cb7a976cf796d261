//! How a mocked client serves content: in two chunks, and with another look at the end.

use bytes::Bytes;
use futures::{StreamExt, stream};

use super::calls::Call;
use super::client::MockProvider;
use super::faults::Fault;
use super::look::Met;
use super::state::State;
use crate::{Content, Error, ErrorKind, ObjectRef, Result, Tag};

impl MockProvider {
    /// The content of a file that has that tag.
    pub(super) fn read_now(&self, call: Call, at: &ObjectRef, expect: &Tag) -> Result<Bytes> {
        let error = |kind| Error::new(kind, call.name()).with_object(at);
        let state = self.service().lock();
        let root = self.root_id(&state, call)?;
        let id = match Self::meet(&state, root, at) {
            Met::Object(id) | Met::Outside(id) => id,
            Met::Another => return Err(error(ErrorKind::SourceChanged)),
            Met::Nothing => return Err(error(ErrorKind::NotFound)),
        };
        let node = state.node(id, call.name())?;
        let bytes = node.content().ok_or_else(|| error(ErrorKind::Invalid))?;
        if State::tag(node) == *expect {
            Ok(bytes.clone())
        } else {
            Err(error(ErrorKind::SourceChanged))
        }
    }

    /// Content in two chunks, at whose end it is looked whether the file is still the same.
    pub(super) fn serve(
        &self,
        at: ObjectRef,
        expect: Tag,
        bytes: Bytes,
        fault: Option<Fault>,
    ) -> Content {
        let mut bytes = bytes;
        if fault == Some(Fault::SpoilRead) && !bytes.is_empty() {
            let mut spoilt = bytes.to_vec();
            let last = spoilt.len() - 1;
            spoilt[last] ^= 1;
            bytes = spoilt.into();
        }
        let second = bytes.split_off(bytes.len() / 2);
        let client = self.clone();
        let end = async move {
            if fault == Some(Fault::CutRead) {
                return Err(Error::new(ErrorKind::Unavailable, "read").with_object(&at));
            }
            client.pause().await;
            client
                .read_now(Call::Read, &at, &expect)
                .map_err(|error| match error.kind() {
                    ErrorKind::NotFound | ErrorKind::Invalid => {
                        Error::new(ErrorKind::SourceChanged, "read").with_object(&at)
                    }
                    _ => error,
                })?;
            Ok(second)
        };
        Content::Stream(stream::iter([Ok(bytes)]).chain(stream::once(end)).boxed())
    }
}
