//! The codes of mistakes that only the files of a ledger can have, beside those of
//! [`countermark_packaging::table::codes`] and [`countermark_packaging::lock::codes`].

macro_rules! codes {
    ($($(#[$documentation:meta])* $name:ident $code:literal)*) => {
        $($(#[$documentation])* pub const $name: &str = $code;)*

        /// Every code, in the order of this page.
        pub const ALL: &[&str] = &[$($code),*];
    };
}

codes! {
    /// Marks of a merge that was not finished.
    MERGE_CONFLICT "merge-conflict"
    /// A text over several lines, or a file entry that is written with escapes.
    TEXT_FORM "text-form"
    /// Lines that do not end in LF alone.
    LINE_END "line-end"
    /// A comment where a writer would lose it.
    LOST_COMMENT "lost-comment"
    /// Something that stands outside of the blocks of the file.
    OUTSIDE "outside-a-block"
    /// A name or a version in another spelling than its normal form.
    NOT_NORMAL "not-normal"
    /// Not `sha256:<64 digits> <file name>`.
    BAD_FILE "bad-file"
    /// A file of another project or version.
    OTHER_RELEASE "other-release"
    /// One digest with two names, or one name with two digests, in one list.
    FILE_CONFLICT "file-contradiction"
    /// The same review a second time.
    DUPLICATE_REVIEW "duplicate-review"
    /// Not the name of a criterion.
    BAD_CRITERION "bad-criterion"
    /// A criterion that the ledger does not define.
    UNKNOWN_CRITERION "unknown-criterion"
    /// Not the name of an author.
    BAD_AUTHOR "bad-author"
    /// Days in the wrong order.
    DATE_ORDER "date-order"
    /// A form of the file that this version does not know.
    LEDGER_VERSION "ledger-version"
    /// Not what was recorded when it was fetched.
    CHANGED_ON_DISK "import-changed-on-disk"
    /// A layout that a command cannot change without losing something.
    NOT_EDITABLE "not-editable"
}
