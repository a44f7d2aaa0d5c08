//! Reading against a scripted app on a virtual clock.

mod fake;
mod only;
mod rotating;
