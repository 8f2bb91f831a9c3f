//! The files of one release, read when they are first looked at.
//!
//! A project may have ten thousand files, and a resolution looks at those of a few releases. So a
//! catalogue may keep what an index said in a compact form and give files when they are asked for.
//! Whether it does makes no difference to what is seen: [`Files`] is a list.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use crate::catalogue::ReleaseFile;

/// Where files are read from that were not read yet. Gives the same answer each time.
pub trait FileSource: Send + Sync {
    /// The files of the release with this number, in the order of the page. A number that the source
    /// did not give away has none.
    fn read(&self, release: usize) -> Vec<ReleaseFile>;
}

/// A list of files, which may not have been read yet. Looking at the files of every release of a
/// project reads all of them: ask for those of the releases that matter.
#[derive(Clone, Default)]
pub struct Files {
    read: OnceLock<Vec<ReleaseFile>>,
    source: Option<(Arc<dyn FileSource>, usize)>,
}

impl Files {
    /// Those that the source has of the release with this number.
    #[must_use]
    pub fn unread(source: Arc<dyn FileSource>, release: usize) -> Self {
        Self { read: OnceLock::new(), source: Some((source, release)) }
    }
}

impl Deref for Files {
    type Target = [ReleaseFile];

    fn deref(&self) -> &[ReleaseFile] {
        self.read.get_or_init(|| match &self.source {
            Some((source, release)) => source.read(*release),
            None => Vec::new(),
        })
    }
}

impl From<Vec<ReleaseFile>> for Files {
    fn from(files: Vec<ReleaseFile>) -> Self {
        Self { read: OnceLock::from(files), source: None }
    }
}

impl FromIterator<ReleaseFile> for Files {
    fn from_iter<I: IntoIterator<Item = ReleaseFile>>(files: I) -> Self {
        Vec::from_iter(files).into()
    }
}

impl<'a> IntoIterator for &'a Files {
    type Item = &'a ReleaseFile;
    type IntoIter = std::slice::Iter<'a, ReleaseFile>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use countermark_packaging::filename::DistributionFilename;

    use super::*;

    struct Counted(AtomicUsize);

    impl FileSource for Counted {
        fn read(&self, release: usize) -> Vec<ReleaseFile> {
            self.0.fetch_add(1, Ordering::Relaxed);
            vec![file(release)]
        }
    }

    fn file(number: usize) -> ReleaseFile {
        ReleaseFile {
            filename: DistributionFilename::parse(&format!("x-{number}.tar.gz")).unwrap(),
            url: String::new(),
            digests: Vec::new(),
            size: None,
            requires_python: None,
            yanked: None,
            uploaded: None,
            metadata: None,
        }
    }

    #[test]
    fn a_source_is_read_once_and_when_it_is_looked_at() {
        let source = Arc::new(Counted(AtomicUsize::new(0)));
        let files = Files::unread(Arc::clone(&source) as Arc<dyn FileSource>, 7);
        assert_eq!(source.0.load(Ordering::Relaxed), 0);
        assert_eq!(files.to_vec(), [file(7)]);
        assert_eq!(files.iter().len(), 1);
        assert_eq!(source.0.load(Ordering::Relaxed), 1);
        assert_eq!(Files::from(vec![file(7)]).to_vec(), files.to_vec());
        assert!(Files::default().is_empty());
    }
}
