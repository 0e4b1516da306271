//! Who is refused and why, and a command that is set aside on a data folder.

use bytes::Bytes;
use tempfile::TempDir;
use tidegate_kernel::command::{Registration, Release};
use tidegate_kernel::{LogKey, Region, Timestamp};
use tidegate_ports::{Append, Due, DueWrite, Fate};
use tidegate_sqlite::{EmbeddedLog, LogOptions, OwnedFolder};

use super::*;
use crate::assemble::commands::API;
use crate::cli::{CommandApi, Place};
use crate::config::{Layers, Purpose};

#[test]
fn only_where_a_partition_is_halted_now() {
    let halt = |partition, offset| Halt { generation: 1, partition, offset };
    let mut passed = Account::opened(1, 3, 7);
    passed.count(7, Fate::Dead);
    let halted = in_force(&[halt(2, 5), halt(3, 7)], &[passed]);
    let place = |partition, offset| Position { generation: 1, partition, offset };
    assert_eq!(halted, [place(2, 5)]);
    let text = refused(place(2, 4), &halted).to_string();
    assert_eq!(text, "no partition is halted at 1/2/4: partitions are halted at 1/2/5");
}

#[test]
fn who_could_decide_it_is_named() {
    let position = Position { generation: 1, partition: 2, offset: 5 };
    let release = |name: &str| Release { name: name.into(), ..crate::agentgate::release() };
    let could_decide = vec![release("0.1.0"), release("0.2.0")];
    let text = withdrawn(position, &Voided { state: VoidState::Withdrawn, could_decide }, false).to_string();
    assert!(text.starts_with("1/2/5 is not void: 0.1.0 (rules 1), 0.2.0 (rules 1) could decide it; run"), "{text}");
    let other = withdrawn(position, &Voided { state: VoidState::Asked, could_decide: Vec::new() }, false);
    assert!(other.may_pass());
}

/// A data folder with a command at which its partition is halted, and which a release that has registered could decide.
struct Halted {
    place: TempDir,
    folder: DataFolder,
    position: Position,
}

impl Halted {
    /// `has_begun`: a row of the command is stored.
    async fn new(has_begun: bool) -> Self {
        let place = tempfile::tempdir().unwrap();
        let made_at = Timestamp::from_millis(0);
        DataFolder::open_or_create(place.path(), Region::Eu, 4, made_at).unwrap();
        let path = place.path().join(API);
        let folder = DataFolder::open_or_create_commands(&path, API, Region::Eu, 16, made_at).unwrap();
        let owned = folder.own().unwrap();
        let log = EmbeddedLog::open(&owned, LogOptions::default(), Arc::new(SystemClock)).unwrap();
        let owner = LogKey::new(b"an owner", &["owner"]);
        let command = Bytes::from_static(br#"{"v":1,"rules":1,"body":{"haggle":{}}}"#);
        let position = log.append(owner, command).await.unwrap();
        log.close().await;
        let store = EmbeddedCommandStore::open(&owned).unwrap();
        let Position { generation, partition, offset } = position;
        store.halt(Halt { generation, partition, offset }).await.unwrap();
        if has_begun {
            Due::put(&store, Arc::new(vec![DueWrite { owner, at: None, position }])).await.unwrap();
        }
        let registration = Registration { release: crate::agentgate::release(), seen_at: SystemClock.now() };
        EmbeddedKeys::open(&folder).unwrap().register(registration).await.unwrap();
        drop((log, store, owned));
        let halted = Halted { place, folder, position };
        drop(halted.owned());
        halted
    }

    /// A log that is closed gives the folder back in the background.
    fn owned(&self) -> OwnedFolder {
        let mut tries = (0..100).map(|_| self.folder.own());
        tries.find_map(Result::ok).expect("nothing else owns the folder")
    }

    async fn void(&self, all_deciders_stopped: bool) -> Result<ExitCode, Failure> {
        let mut layers = Layers::default();
        layers.flag("--data", "data", Some(self.place.path().display()));
        let config = Config::from_layers(layers, Purpose::Manage).unwrap();
        let args = VoidArgs {
            position: self.position,
            api: CommandApi::AgentGate,
            reason: "sent by a test".to_owned(),
            all_deciders_stopped,
            place: Place { data: None, config: None, json: false },
        };
        void(&config, &args, Console::to(std::io::sink())).await
    }

    async fn state(&self) -> Option<VoidState> {
        state_of(&EmbeddedKeys::open(&self.folder).unwrap(), self.position).await.unwrap()
    }
}

#[tokio::test]
async fn on_a_data_folder_no_release_is_asked_while_no_process_runs_on_it() {
    let halted = Halted::new(false).await;
    let text = halted.void(false).await.unwrap_err().to_string();
    assert!(text.contains("could decide it; stop the process") && text.contains("--all-deciders-stopped"), "{text}");
    let running = halted.owned();
    let text = halted.void(true).await.unwrap_err().to_string();
    assert!(text.contains("is in use by another process"), "{text}");
    assert_eq!(halted.state().await, Some(VoidState::Withdrawn));
    drop(running);
    // The same again answers the same.
    for _ in 0..2 {
        halted.void(true).await.unwrap();
        assert_eq!(halted.state().await, Some(VoidState::InForce));
    }
}

#[tokio::test]
async fn on_a_data_folder_a_command_is_not_void_once_a_build_has_begun_to_decide_it() {
    let halted = Halted::new(true).await;
    let text = halted.void(true).await.unwrap_err().to_string();
    assert!(text.contains("store.db has rows of it") && text.contains("run the build"), "{text}");
    assert_eq!(halted.state().await, None);
}
