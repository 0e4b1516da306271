//! `tidegate topics create` and `tidegate topics check`.

use std::process::ExitCode;

use tidegate_kafka::topics as kafka_topics;
use tidegate_scylla::{MigrationError, agentping, migrations};

use crate::assemble::commands::distributed;
use crate::assemble::distributed::{options_of, wait_for_log};
use crate::cli::TopicsCommand;
use crate::config::{Config, KafkaConfig};
use crate::console::Console;
use crate::failure::Failure;

/// Refuses topics of another region than the store's. A store that does not answer does not keep topics from being
/// made: the roles check the region again at their start.
async fn same_region(config: &Config) -> Result<(), Failure> {
    let Some(scylla) = &config.scylla else { return Ok(()) };
    match migrations::check_region(&scylla.options, &agentping::SCHEMA).await {
        Err(MigrationError::Store(error)) => {
            Console::errors()
                .line(format_args!("whether the store is of region {} is not known: {error}", config.region));
            Ok(())
        }
        checked => Ok(checked?),
    }
}

pub(super) async fn topics(
    config: &Config,
    command: &TopicsCommand,
    mut console: Console,
) -> Result<ExitCode, Failure> {
    same_region(config).await?;
    one(config, config.kafka()?, command, &mut console).await?;
    one(config, &distributed::kafka(config)?, command, &mut console).await?;
    Ok(ExitCode::SUCCESS)
}

/// The topics of one product.
async fn one(
    config: &Config,
    kafka: &KafkaConfig,
    command: &TopicsCommand,
    console: &mut Console,
) -> Result<(), Failure> {
    let options = options_of(kafka, "topics");
    match command {
        TopicsCommand::Create { .. } => {
            let made = wait_for_log(config, &options, || kafka_topics::create(&options, &kafka.layout)).await?;
            for topic in &made.created {
                console.line(format_args!("made   {topic}"));
            }
            for topic in &made.existed {
                console.line(format_args!("there  {topic}"));
            }
        }
        TopicsCommand::Check { .. } => {
            let found = wait_for_log(config, &options, || kafka_topics::check(&options, &kafka.layout)).await?;
            for (topic, partitions) in &found.topics {
                let word = if *partitions == 1 { "partition" } else { "partitions" };
                console.line(format_args!("fine   {topic}  {partitions} {word}"));
            }
        }
    }
    Ok(())
}
