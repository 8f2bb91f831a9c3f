//! The installation folders of an environment, by their names in `sysconfig` and in a wheel's
//! `.data` folder (binary distribution format, "The .data directory").

/// One folder into which files of a wheel go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// Everything that `.data/data` holds: the prefix itself.
    Data,
    /// C headers, in a folder of the project's name.
    Headers,
    /// Modules of a wheel that is not `Root-Is-Purelib`.
    Platlib,
    /// Modules of a pure wheel.
    Purelib,
    /// Commands.
    Scripts,
}

impl Scheme {
    /// Every scheme, sorted by name.
    pub const ALL: [Self; 5] =
        [Self::Data, Self::Headers, Self::Platlib, Self::Purelib, Self::Scripts];

    /// The name of the folder below `.data`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Headers => "headers",
            Self::Platlib => "platlib",
            Self::Purelib => "purelib",
            Self::Scripts => "scripts",
        }
    }

    /// The position in [`Scheme::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::Data => 0,
            Self::Headers => 1,
            Self::Platlib => 2,
            Self::Purelib => 3,
            Self::Scripts => 4,
        }
    }

    /// The scheme of that name; names are lower case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_positions_lead_back() {
        for (index, scheme) in Scheme::ALL.into_iter().enumerate() {
            assert_eq!((scheme.index(), Scheme::parse(scheme.name())), (index, Some(scheme)));
        }
        assert_eq!(Scheme::parse("Data"), None);
    }
}
