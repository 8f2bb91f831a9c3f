//! An environment that a lock is made for.

use countermark_packaging::marker::MarkerEnvironment;
use countermark_packaging::tags::CompatibleTags;
use countermark_packaging::version::Version;

/// Tags, markers and version of one interpreter on one platform; it need not exist here.
#[derive(Clone, Debug)]
pub struct Target {
    /// What messages call it: `cp312-manylinux_2_28_x86_64`, or `this interpreter`.
    pub label: String,
    /// What markers are evaluated for.
    pub markers: MarkerEnvironment,
    /// Which wheels can be used, best first.
    pub tags: CompatibleTags,
    /// What `requires-python` is compared with.
    pub python: Version,
}
