//! `rosterd connectors`: what each connector can do, and whether a manifest works.

use std::{fs, path::Path, slice};

use super::{
    args::Target,
    context,
    exit::{Exit, Failure},
    terminal::{self, Stream},
};
use crate::{
    connectors::{
        Reader, Registry,
        rest::{BUILT_IN, DryWrite, Manifest, ManifestError},
    },
    model::{ConnectorCatalogue as _, DesiredApp},
    observe::{Tried, probe},
    report::{
        Style,
        capabilities::{self, Capable},
    },
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Action {
    /// Every connector that comes with rosterd.
    List {
        /// How the list is written.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: Format,
    },
    /// What one connector can do, cannot do, and hands to a person.
    Show {
        /// A connector's name, or the path of a manifest.
        name: String,
        /// How it is written.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: Format,
    },
    /// Check a manifest, and read with it from every app of the files that uses it; nothing is changed.
    Check {
        /// The path of a manifest, or the name of a connector.
        #[arg(value_name = "FILE")]
        name: String,
        #[command(flatten)]
        target: Target,
        /// Print what every write would send for a made-up person; nothing is sent and nothing is read.
        #[arg(long)]
        dry: bool,
    },
}

/// How what connectors can do is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// A table for documents.
    Markdown,
    /// For programs.
    Json,
}

pub(super) async fn run(action: &Action) -> Result<Exit, Failure> {
    match action {
        Action::List { format } => {
            let registry = Registry::default();
            let all = registry.names().iter().map(|name| capable(&registry, name)).collect::<Result<Vec<_>, _>>()?;
            print(*format, &all, |style| capabilities::list_text(&all, style))
        }
        Action::Show { name, format } => {
            // The path was typed by whoever runs this.
            let one = capable(&Registry::new(Some(".".into())), name)?;
            print(*format, slice::from_ref(&one), |style| capabilities::show_text(&one, style))
        }
        Action::Check { name, dry: true, .. } => dry_run(name).await,
        Action::Check { name, target, dry: false } => check(name, target).await,
    }
}

fn print(format: Format, all: &[Capable], text: impl Fn(&Style) -> String) -> Result<Exit, Failure> {
    terminal::print(&match format {
        Format::Text => text(&terminal::style(Stream::Out)),
        Format::Markdown => capabilities::markdown(all),
        Format::Json => capabilities::to_json(all),
    })?;
    Ok(Exit::Fine)
}

fn capable(registry: &Registry, name: &str) -> Result<Capable, Failure> {
    let connector = registry.connector(name).map_err(Failure::new)?;
    let semantics = connector.semantics(&connector.usual_options()).map_err(Failure::new)?;
    let (options, secrets) = (connector.options(), connector.secret_keys());
    Ok(Capable { name: semantics.connector.to_string(), semantics, options, secrets })
}

/// A mistake in a manifest with the line that it is in.
fn shown(error: &ManifestError, text: &str) -> Failure {
    let line = usize::try_from(error.line).ok().and_then(|line| text.lines().nth(line.checked_sub(1)?));
    match line {
        Some(line) => {
            let number = error.line.to_string();
            let margin = " ".repeat(number.len());
            Failure::new(format!("{error}\n{margin} |\n{number} | {line}\n{margin} |"))
        }
        None => Failure::new(error),
    }
}

/// Reads the manifest at a path, and says that it is valid.
fn manifest(path: &str) -> Result<Manifest, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("the manifest {path} cannot be read: {error}")))?;
    let manifest = Manifest::parse(path, &text).map_err(|error| shown(&error, &text))?;
    let semantics = &manifest.semantics;
    terminal::print(&format!(
        "{path} is a valid manifest for {}, with {}s and {}s\n",
        semantics.connector, semantics.account_noun, semantics.group_noun
    ))?;
    Ok(manifest)
}

/// Prints what every write of a manifest would send.
async fn dry_run(name: &str) -> Result<Exit, Failure> {
    let built_in = BUILT_IN.iter().find(|(built_in, _)| *built_in == name);
    let manifest = match built_in {
        Some((_, text)) => Manifest::parse(name, text).map_err(|error| shown(&error, text))?,
        None if Registry::default().names().iter().any(|known| known == name) => {
            return Err(Failure::new(format!("{name} has no manifest, so there is nothing to run dry")));
        }
        None => manifest(name)?,
    };
    let mut failed = false;
    for DryWrite { verb, requests, failure } in manifest.dry_run().await.map_err(Failure::new)? {
        terminal::print(&format!("\n{verb}\n"))?;
        for (line, body) in requests {
            terminal::print(&format!("  {line}\n"))?;
            let body = body.map(|body| serde_json::to_string_pretty(&body)).transpose().map_err(Failure::new)?;
            for line in body.iter().flat_map(|body| body.lines()) {
                terminal::print(&format!("  {line}\n"))?;
            }
        }
        if let Some(error) = failure {
            terminal::error(&error.to_string(), None);
            failed = true;
        }
    }
    Ok(if failed { Exit::Failed } else { Exit::Fine })
}

/// Checks a manifest, and tries it against every app of the files that uses it.
async fn check(name: &String, target: &Target) -> Result<Exit, Failure> {
    let built_in = Registry::default().names().contains(name);
    if !built_in {
        manifest(name)?;
    }
    if !target.dir.is_dir() && target.apps.is_empty() {
        terminal::note(&format!("there are no files in {}, so nothing was read with it", target.dir.display()));
        return Ok(Exit::Fine);
    }
    let uses = |app: &DesiredApp| {
        let same = || {
            let path = target.dir.join(&*app.connector).canonicalize().ok();
            path.is_some() && path == Path::new(name).canonicalize().ok()
        };
        if built_in { *app.connector == *name } else { same() }
    };
    let session = context::session(target, &[], context::Past::Ignored).await?;
    let readers: Vec<_> = session.reconciler.writers().filter(|(app, _)| uses(app)).collect();
    if readers.is_empty() && !target.apps.is_empty() {
        let apps = target.apps.join(", ");
        return Err(Failure::new(format!("{apps} does not use {}, so nothing was read with it", name)));
    }
    if readers.is_empty() {
        let hint = format!("give an app `connector: {}`, seen from {}", name, target.dir.display());
        terminal::note(&format!("no app uses it, so nothing was read with it; {hint}"));
    }
    let mut failed = false;
    for (app, writer) in readers {
        let Ok(writer) = writer.as_deref().inspect_err(|error| terminal::error(&error.to_string(), None)) else {
            failed = true;
            continue;
        };
        terminal::print(&format!("\n{}: reading only, nothing is changed\n", app.name))?;
        let tried = probe(writer as &dyn Reader).await;
        failed |= tried.iter().any(|tried| tried.result.is_err());
        for tried in &tried {
            terminal::print(&line(tried))?;
        }
    }
    Ok(if failed { Exit::Failed } else { Exit::Fine })
}

fn line(tried: &Tried) -> String {
    let requests = if tried.requests == 1 { "1 request".to_owned() } else { format!("{} requests", tried.requests) };
    match (&tried.result, &tried.doubt) {
        (Ok(seen), None) => format!("  ok      {}: {seen} ({requests})\n", tried.what),
        (Ok(seen), Some(doubt)) => format!("  doubt   {}: {seen}, {doubt} ({requests})\n", tried.what),
        (Err(error), _) => format!("  failed  {}: {error}\n", tried.what),
    }
}
