//! Changing an environment that is there.

use super::{InstallError, Outcome, Request};
use crate::gather::Ready;
use crate::interpreter::{Interpreter, Layout};

pub struct Removed;
pub fn remove() {}

pub(super) fn change(
    _request: &Request<'_>,
    _interpreter: &Interpreter,
    layout: &Layout,
    _packages: &mut [Ready],
) -> Result<Outcome, InstallError> {
    Err(InstallError::NotAnEnvironment { path: layout.data.clone() })
}
