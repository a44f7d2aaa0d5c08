//! Which files are in force: they are read whenever they change or somebody asks, beside everything else, so that
//! nothing that happens meanwhile makes the reading begin again.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc};
use tracing::{error, info, warn};

use super::{InForce, Watch, World, status::DaemonStatus};
use crate::desired::{Loaded, Problems};

/// What was read, and whether somebody asked for it.
type Read = (Result<Loaded, Problems>, bool);

/// What is read.
pub(super) struct Files {
    read: mpsc::Receiver<Read>,
    asked: Arc<Notify>,
}

impl Files {
    /// The files, and what has to be polled all the while for them to be read.
    pub(super) fn follow<'a>(
        world: &'a Arc<dyn World>,
        status: &'a DaemonStatus,
    ) -> (Self, impl Future<Output = ()> + 'a) {
        let (sender, read) = mpsc::channel(1);
        let asked = Arc::new(Notify::new());
        (Self { read, asked: asked.clone() }, follow(world, status, asked, sender))
    }

    /// They are to be read, whether they changed or not. However often this is asked for, each reading comes to its end.
    pub(super) fn ask(&self) {
        self.asked.notify_one();
    }

    /// What was read. It may be dropped at any time.
    pub(super) async fn next(&mut self) -> Read {
        match self.read.recv().await {
            Some(read) => read,
            None => std::future::pending().await,
        }
    }
}

async fn follow(world: &Arc<dyn World>, status: &DaemonStatus, asked: Arc<Notify>, sender: mpsc::Sender<Read>) {
    let mut watch = Watch::new(world.directory());
    loop {
        let forced = watch.changed(status, &asked).await;
        let loaded = watch.whole(|| status.beat(), async || load(world).await).await;
        if let Some(loaded) = loaded
            && sender.send((loaded, forced)).await.is_err()
        {
            return;
        }
    }
}

/// Reads the files. Nothing when reading them dies, which it should not.
async fn load(world: &Arc<dyn World>) -> Option<Result<Loaded, Problems>> {
    let reader = world.clone();
    // Large trees take seconds, in which apps and callers must not wait.
    tokio::task::spawn_blocking(move || reader.load())
        .await
        .inspect_err(|failed| error!("reading the files failed: {failed}"))
        .ok()
}

/// What comes into force after `current`. Nothing when it is bad or, unless `forced`, in force already. What means the same has
/// the same number: its lines are shown from now on, and no cycle begins because of it.
pub(super) fn taken(
    (loaded, forced): Read,
    world: &dyn World,
    status: &DaemonStatus,
    current: &InForce,
) -> Option<Arc<InForce>> {
    let loaded = loaded
        .inspect_err(|problems| {
            status.bad(problems.to_string(), world.now());
            error!("the files are not valid, and the last good ones stay in force:\n{problems}");
        })
        .ok()?;
    if !loaded.warnings.is_empty() {
        warn!("the files are odd:\n{}", loaded.warnings);
    }
    let mut files = InForce::new(loaded, world.now(), current.number + 1);
    files.commit = world.commit(&files.digest);
    if status.recovered_from_bad_files() {
        info!("the files are valid again");
    }
    if !forced && files.digest == current.digest {
        return None;
    }
    if !forced && files.meaning == current.meaning {
        files.number = current.number;
    }
    info!(digest = &*files.digest, means_the_same = files.number == current.number, "new files are in force");
    Some(Arc::new(files))
}
