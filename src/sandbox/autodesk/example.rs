use super::Autodesk;
pub(super) fn fill(_: &mut Autodesk) {}
