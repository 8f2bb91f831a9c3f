//! How much an archive may ask of this machine.

/// Bounds of one archive. The defaults let the largest wheels in use pass (several gigabytes
/// unpacked, a hundred thousand files) and stop what only a bomb needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Members, directories included.
    pub max_entries: u64,
    /// Bytes of all members, unpacked.
    pub max_total_bytes: u64,
    /// Bytes of one member, unpacked.
    pub max_entry_bytes: u64,
    /// Unpacked bytes for each byte of the archive, judged over the whole archive once it unpacks
    /// to more than [`Limits::RATIO_FLOOR`]. Real wheels stay below 20.
    pub max_ratio: u64,
    /// Bytes of the central directory, which is read whole.
    pub max_central_directory: u64,
    /// Bytes of one member's name.
    pub max_path_bytes: usize,
    /// Components of one member's name.
    pub max_depth: usize,
    /// Bytes of each of METADATA, WHEEL, RECORD and entry_points.txt, which are read whole.
    pub max_metadata_bytes: u64,
}

impl Limits {
    /// Bytes up to which [`max_ratio`](Self::max_ratio) is not judged: a test file of zeros
    /// compresses by a thousand and harms nobody.
    pub const RATIO_FLOOR: u64 = 64 << 20;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_entries: 200_000,
            max_total_bytes: 16 << 30,
            max_entry_bytes: 8 << 30,
            max_ratio: 100,
            max_central_directory: 64 << 20,
            max_path_bytes: 1024,
            max_depth: 64,
            max_metadata_bytes: 32 << 20,
        }
    }
}
