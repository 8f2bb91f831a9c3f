//! The checkpoint that answers are about.

use std::sync::{Arc, PoisonError, RwLock};

use crate::log::store::Published;

/// The checkpoint that was published last, as far as this process knows. It never goes back.
#[derive(Debug, Default)]
pub struct Head(RwLock<Option<Arc<Published>>>);

impl Head {
    /// The present one.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Published>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a newer one. An older one is left alone: clients hold us to what we said last.
    pub fn advance(&self, published: Published) {
        let rank = |it: &Published| (it.size, it.at);
        let is_news = |present: &Option<Arc<Published>>| {
            present.as_deref().is_none_or(|it| rank(it) < rank(&published))
        };
        if !is_news(&self.0.read().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        let mut present = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if is_news(&present) {
            *present = Some(Arc::new(published));
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn it_never_goes_back() {
        let published = |size, seconds| Published {
            size,
            at: Timestamp::from_second(seconds).unwrap(),
            note: format!("{size} {seconds}"),
        };
        let head = Head::default();
        assert_eq!(head.current(), None);
        for (given, expect) in [
            (published(5, 10), "5 10"),
            (published(4, 20), "5 10"),
            (published(5, 9), "5 10"),
            (published(5, 11), "5 11"),
            (published(6, 11), "6 11"),
        ] {
            head.advance(given);
            assert_eq!(head.current().unwrap().note, expect);
        }
    }
}
