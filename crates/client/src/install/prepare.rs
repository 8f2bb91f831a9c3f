//! From gathered packages to what is staged for them.

use super::error::InstallError;
use super::stage::{CompiledSet, Options, Staging, stage};
use crate::gather::Ready;
use crate::package::generated::{Launching, asked, generate};
use crate::package::placement::Placement;
use crate::report::{Note, Reporter};
use crate::store::{Lookup, Store};

/// What staging needs besides the packages.
pub(super) struct Preparation<'a> {
    pub(super) store: &'a Store,
    pub(super) placement: &'a Placement,
    pub(super) launching: &'a Launching<'a>,
    pub(super) options: Options<'a>,
}

/// What is staged for one package.
pub(super) fn staging<'a>(
    preparation: &Preparation<'_>,
    ready: &'a Ready,
    folder: &std::path::Path,
    compiled: CompiledSet,
) -> Result<Staging<'a>, InstallError> {
    let entry = &ready.entry;
    let project = entry.facts.project.clone();
    let Some(folders) = preparation.placement.folders(&project) else {
        let path = preparation.placement.root.clone();
        return Err(super::error::failed("find a place below", path)(
            std::io::ErrorKind::InvalidInput.into(),
        ));
    };
    let asked = asked(ready, folder);
    let (placement, launching) = (preparation.placement, preparation.launching);
    let paths: Vec<String> = compiled.files.iter().map(|file| file.path.clone()).collect();
    let additions = generate(entry, placement, &folders, launching, &asked, &paths)
        .map_err(|source| InstallError::Generate { project, source })?;
    let (replaced, generated) = (additions.replaced, additions.files);
    Ok(Staging { entry, folders, replaced, generated, compiled })
}

/// Stages packages below `root`. A stored wheel that is not what it was is unpacked again from its
/// archive, once, if that is still the pinned one.
pub(super) fn stage_all(
    preparation: &Preparation<'_>,
    root: &std::path::Path,
    packages: &[&Ready],
    compiled: &[CompiledSet],
    folder: &std::path::Path,
) -> Result<(), InstallError> {
    let mut wheels = Vec::with_capacity(packages.len());
    for (ready, compiled) in packages.iter().zip(compiled) {
        wheels.push(staging(preparation, ready, folder, compiled.clone())?);
    }
    let seals = stage(root, &wheels, preparation.options)?;
    for (ready, seals) in packages.iter().zip(seals) {
        if let Some(seals) = seals {
            preparation.store.seal(&ready.entry, seals)?;
        }
    }
    Ok(())
}

/// After [`super::stage::StageError::Altered`]: the entry again, made from its archive.
///
/// # Errors
/// [`InstallError::Evicted`] when the archive is not the pinned one either; the entry is gone then.
pub(super) fn restore(
    store: &Store,
    ready: &mut Ready,
    why: &str,
    reporter: &dyn Reporter,
) -> Result<(), InstallError> {
    let artifact = ready.entry.tree.artifact();
    let wheel = artifact.filename().to_owned();
    let message = format!("the stored copy of `{wheel}` was altered: {why}");
    match store.restore(&ready.pin, artifact.sha256(), why)? {
        Lookup::Ready(entry) | Lookup::Rebuilt(entry, _) => {
            let hint = "it was unpacked again from its archive, which is the pinned one";
            reporter.note(Note::new("store-altered", message).with_hint(hint));
            ready.entry = *entry;
            Ok(())
        }
        Lookup::Absent | Lookup::Evicted(_) => {
            reporter.note(Note::new("store-altered", message).with_hint("it was thrown away"));
            Err(InstallError::Evicted { wheel })
        }
    }
}
