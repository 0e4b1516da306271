//! Brings a distributed deployment up: schema and topics, then every role as a process of its own.

use std::path::Path;
use std::sync::atomic::AtomicUsize;

use futures_util::future::join_all;

use super::{Addresses, Leftovers, Settings};
use crate::deployment::{Deployment, Keep, Power};
use crate::process::{Arguments, Limit, Process, Streams, free_ports};
use crate::servers::{Server, Servers, local, raise};

/// A role with its processes to be.
struct Fleet<'d> {
    binary: &'d Path,
    folder: &'d Path,
    file: &'d str,
    streams: Streams,
    limit: Option<Limit>,
}

impl Deployment {
    /// Makes the schema and the topics, starts all processes, and waits until each is ready.
    ///
    /// # Panics
    /// If the stack is not there, or anything does not start.
    pub(crate) async fn on_the_stack(binary: &str, settings: &Settings, keep: Keep) -> Self {
        Deployment::on_the_stack_after(binary, settings, keep, async || {}).await
    }

    /// The same, with something done between the making of schema and topics and the start of the processes.
    pub(crate) async fn on_the_stack_after(
        binary: &str,
        settings: &Settings,
        keep: Keep,
        prepare: impl AsyncFnOnce(),
    ) -> Self {
        let stack = Addresses::found();
        let (temporary, folder) = keep.folder();
        let leftovers = Leftovers::watched(Path::new(binary), settings, &stack);
        let file = folder.join("tidegate.toml");
        std::fs::write(&file, settings.file(&stack)).expect("a folder of our own takes a file");
        let file = file.to_str().expect("temporary folders have plain names").to_owned();
        let mut deployment = Deployment {
            ingest: Vec::new(),
            agentgate: Vec::new(),
            control: String::new(),
            controls: Vec::new(),
            ops: Vec::new(),
            region: settings.region.to_owned(),
            manage: vec![binary.to_owned()],
            manage_tail: vec!["--config".to_owned(), file.clone()],
            power: Power::Servers(Box::new(Servers::new(Vec::new(), None, None))),
            turn: AtomicUsize::new(0),
        };
        let (schema, topics) =
            tokio::join!(deployment.command(&["migrate"]), deployment.command(&["topics", "create"]));
        for made in [schema, topics] {
            let told = String::from_utf8_lossy(&made.stderr);
            assert!(made.status.success(), "{told}{}", String::from_utf8_lossy(&made.stdout));
        }
        prepare().await;

        let fleet = Fleet {
            binary: Path::new(binary),
            folder: &folder,
            file: &file,
            streams: settings.streams,
            limit: settings.limit,
        };
        let named = |role: &str, count: usize| (0..count).map(|n| format!("{role}-{n}")).collect::<Vec<_>>();
        let front_doors = named("ingest", settings.front_doors);
        let persisters = named("persist", settings.persisters);
        let (gates, deciders) = (named("agentgate", settings.agentgate), named("decide", settings.agentgate));
        let judges = named("pulse", settings.judges);
        // The first one is called after its role alone.
        let further = (1..settings.controls).map(|n| format!("control-{n}"));
        let controls: Vec<String> = std::iter::once("control".to_owned()).chain(further).collect();
        let (front_doors, persisters, controls, gates, deciders, judges) = tokio::join!(
            join_all(front_doors.iter().map(|name| fleet.listening(&["ingest"], name))),
            join_all(persisters.iter().map(|name| fleet.consumer(&["persist"], name))),
            join_all(controls.iter().map(|name| fleet.listening(&["control"], name))),
            join_all(gates.iter().map(|name| fleet.listening(&["agentgate", "serve"], name))),
            join_all(deciders.iter().map(|name| fleet.consumer(&["decide", "--api", "agentgate"], name))),
            join_all(judges.iter().map(|name| fleet.consumer(&["pulse"], name))),
        );
        let (front_doors, addresses): (Vec<Server>, Vec<String>) = front_doors.into_iter().unzip();
        let mut servers = front_doors;
        servers.extend(persisters);
        let (controls, control_addresses): (Vec<Server>, Vec<String>) = controls.into_iter().unzip();
        servers.extend(controls);
        let (gates, gate_addresses): (Vec<Server>, Vec<String>) = gates.into_iter().unzip();
        servers.extend(gates);
        servers.extend(deciders);
        // Last, so that a clock is moved here once it is moved elsewhere.
        servers.extend(judges);
        deployment.ingest = addresses;
        deployment.agentgate = gate_addresses;
        deployment.control.clone_from(&control_addresses[0]);
        deployment.controls = control_addresses;
        deployment.ops = servers.iter().map(|server| server.ops().to_owned()).collect();
        let spare = settings.persisters..settings.persisters + settings.spare_persisters;
        servers.extend(spare.map(|n| fleet.spare_persister(&format!("persist-{n}"))));
        deployment.power =
            Power::Servers(Box::new(Servers::new(servers, temporary, Some(leftovers)).made_of(settings)));
        deployment
    }
}

impl Fleet<'_> {
    /// A process with a port for others; returns where that is.
    async fn listening(&self, words: &[&str], name: &str) -> (Server, String) {
        let arguments = |[listen, ops]: [u16; 2]| {
            let mut arguments = self.arguments(words, ops);
            arguments.args.extend(["--listen".to_owned(), format!("127.0.0.1:{listen}")]);
            arguments
        };
        let (server, [listen, _]) =
            raise(name, self.binary, self.folder, free_ports::<2>, |[_, ops]| ops, arguments).await;
        (server, local(listen))
    }

    async fn consumer(&self, words: &[&str], name: &str) -> Server {
        let arguments = |[ops]: [u16; 1]| self.arguments(words, ops);
        raise(name, self.binary, self.folder, free_ports::<1>, |[ops]| ops, arguments).await.0
    }

    fn spare_persister(&self, name: &str) -> Server {
        let [ops] = free_ports();
        let process = Process::new(name, self.binary, self.folder, self.arguments(&["persist"], ops));
        Server::new(process, local(ops)).spare()
    }

    fn arguments(&self, words: &[&str], ops: u16) -> Arguments {
        let more = ["--config", self.file, "--ops-listen"];
        let args = words.iter().copied().chain(more).map(str::to_owned);
        let args = args.chain([format!("127.0.0.1:{ops}")]).collect();
        Arguments { args, streams: self.streams, limit: self.limit, ..Arguments::default() }
    }
}
