//! `rosterd daemon`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use secrecy::SecretString;
use url::Url;

use super::{
    args, context,
    exit::{Exit, Failure},
    terminal,
};
use crate::{
    connectors::{Error, ProcessSecrets, Registry, SecretSource as _, Writer},
    daemon::{Daemon, InForce, World},
    desired::{self, Loaded, Problems},
    model::{ConnectorCatalogue as _, DesiredApp, SecretRef},
    reconcile::Reconciler,
};

pub(super) async fn run(args: &args::Daemon) -> Result<Exit, Failure> {
    // There is nothing good to go on with yet, so that a start with bad files ends here.
    let first = context::load_for_plan(&args.dir, &args.target, &[])?;
    let (sandbox, base) = context::sandbox(&args.target, &first.desired).await?;
    let site = Site {
        dir: args.dir.dir.clone(),
        apps: args.target.apps.clone(),
        registry: context::registry(&args.dir.dir),
        sandbox: base,
    };
    let daemon = Daemon::new(Arc::new(site), first).await.map_err(|refused| {
        let failure = Failure::new(&refused);
        match refused.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })?;
    terminal::print(&format!("http://{}\n", daemon.address()))?;
    daemon.run().await;
    if let Some(sandbox) = sandbox {
        sandbox.stop().await;
    }
    Ok(Exit::Fine)
}

/// Files in a directory, and the apps they name or simulated ones in their place.
struct Site {
    dir: PathBuf,
    /// Only these, unless there are none.
    apps: Vec<String>,
    /// Kept for as long as the daemon lives, because budgets are in it.
    registry: Registry,
    sandbox: Option<Url>,
}

impl World for Site {
    fn directory(&self) -> &Path {
        &self.dir
    }

    fn load(&self) -> Result<Loaded, Problems> {
        desired::load(&self.dir, &self.registry)
    }

    fn wants(&self, app: &DesiredApp) -> bool {
        let asked = self.apps.is_empty() || self.apps.iter().any(|name| **name == *app.name);
        let played = self.sandbox.is_none() || self.registry.names().contains(&app.connector.to_string());
        asked && played
    }

    fn renew(&self) {
        self.registry.renew();
    }

    fn reconciler(&self, files: &InForce, app: &str) -> Reconciler {
        let connect = |app: &DesiredApp| -> Result<Arc<dyn Writer>, Error> {
            let instead = self.sandbox.as_ref().map(|base| context::simulated(base, app));
            self.registry.connect(app, &ProcessSecrets, instead.as_ref())
        };
        Reconciler::new(files.desired.clone(), files.digest.clone(), |other| &*other.name == app, connect)
    }

    fn secret(&self, secret: &SecretRef) -> Result<SecretString, String> {
        ProcessSecrets.resolve(secret)
    }
}
